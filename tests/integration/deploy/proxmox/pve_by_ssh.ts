import { join } from "node:path";
import { run } from "../../../../lib/process.ts";
import { type DeployFixture, deployFixture } from "../../../deploy/fixture.ts";
import { type Sshd, startSshd } from "../../../ssh/sshd.ts";
import { type ProgramState, startPrograms } from "./proxmox_programs.ts";

/** A host with a real sshd, and stand-ins for the programs of Proxmox VE first on its PATH. */
export interface PveBySsh {
  readonly sshd: Sshd;
  readonly fixture: DeployFixture;
  readonly state: ProgramState;
  yaml(more?: string, port?: number): string;
  /** Names in the folder for uploads. */
  uploads(): readonly string[];
}

/** Starts one, works with it, and ends it. */
export async function withHost(
  work: (host: PveBySsh) => Promise<void>,
  options: Parameters<typeof deployFixture>[0] = {},
): Promise<void> {
  await using fixture = await deployFixture(options);
  const { dir } = fixture;
  await dir.write("uploads/.keep", "");
  await using programs = await startPrograms(join(dir.path, "bin"));
  // A home without anybody's .bashrc, which would be run for every command.
  const env = `SetEnv PATH=${join(dir.path, "bin")}:/usr/bin:/bin HOME=${dir.path}`;
  await using sshd = await startSshd({ config: ["Subsystem sftp internal-sftp", env] });
  await dir.write("key", sshd.key.privateKey);
  const { stdout } = await run(["ssh-keygen", "-lf", join(sshd.folder, "host_key")]);
  const hostKey = /SHA256:\S+/.exec(stdout)?.[0] ?? "";
  await work({
    ...{ sshd, fixture, state: programs.state },
    yaml: (more = "", port = sshd.port) =>
      `there:
  type: proxmox
  mode: ssh
  host: 127.0.0.1
  port: ${port}
  username: ${sshd.username}
  key: file:${dir.path}/key
  host_key: ${hostKey}
  upload_dir: ${dir.path}/uploads
  storage: local-lvm
${more}`,
    uploads: () =>
      [...Deno.readDirSync(join(dir.path, "uploads"))].map(({ name }) => name).filter((name) =>
        name !== ".keep"
      ),
  });
}
