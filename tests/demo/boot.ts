import { join } from "node:path";
import { ensureRuntimeDir, runtimeFiles, userPaths } from "../../lib/paths.ts";
import { type AgentClient, connectAgent } from "../../lib/qemu/agent.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { createOverlay } from "../../lib/qemu/img.ts";
import type { Machine } from "../../lib/qemu/machine.ts";
import { startOnFreePort } from "../../lib/qemu/ports.ts";
import type { SshSession } from "../../lib/ssh/session.ts";
import { waitForSsh } from "../../lib/ssh/wait.ts";

/** A throw-away copy of an image, running. */
export interface Booted extends AsyncDisposable {
  /** Port on 127.0.0.1 that leads to its SSH. */
  readonly sshPort: number;
  readonly machine: Machine;
  readonly ssh: SshSession;
  readonly agent: AgentClient;
  /** What a command prints, run as root; throws when it fails. */
  root(command: string): Promise<string>;
}

/** Name and password of the demo profile's user. */
export const demoUser = { username: "demo", password: "demo-Passw0rd" } as const;

/** Boots an overlay of an image in the machine that pim builds in, and logs in with the password. */
export async function boot(image: string): Promise<Booted> {
  await using setup = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "pim-boot-" });
  setup.defer(() => Deno.remove(dir, { recursive: true }));
  const paths = userPaths({ get: (name) => name === "PIM_RUNTIME_DIR" ? dir : Deno.env.get(name) });
  const host = await probeQemu({ architecture: "amd64", firmware: "bios", cacheDir: dir });
  const disk = join(dir, "disk.qcow2");
  await createOverlay(disk, image, host);
  const files = runtimeFiles(await ensureRuntimeDir(paths), "vm");
  const { machine, hostPort } = await startOnFreePort(host, (port) => ({
    name: "vm",
    memoryMiB: 1024,
    cpus: 2,
    disks: [{ path: disk, format: "qcow2", throwaway: true }],
    network: { kind: "user", forwards: [{ hostPort: port, guestPort: 22 }] },
    serial: { socket: files.serial, log: join(dir, "serial.log") },
    qmpSocket: files.qmp,
    agentSocket: files.agent,
  }));
  setup.use(machine);
  const { username, password } = demoUser;
  const ssh = setup.use(
    await waitForSsh({
      host: "127.0.0.1",
      port: hostPort,
      username,
      auth: [{ password }],
      deadlineMs: 300_000,
    }),
  );
  const agent = setup.use(await connectAgent(files.agent, { timeoutMs: 120_000 }));
  const all = setup.move();
  return {
    sshPort: hostPort,
    machine,
    ssh,
    agent,
    async root(command) {
      const result = await ssh.exec(`sudo -S -p '' sh -c '${command.replaceAll("'", `'\\''`)}'`, {
        stdin: `${password}\n`,
      });
      if (result.code !== 0) throw new Error(`${command}: ${result.code} ${result.stderr}`);
      return result.stdout.trim();
    },
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}
