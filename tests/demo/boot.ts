import { join } from "node:path";
import { type AgentClient, connectAgent } from "../../lib/qemu/agent.ts";
import type { MachineEnd } from "../../lib/qemu/machine.ts";
import type { SshSession } from "../../lib/ssh/session.ts";
import { waitForSsh } from "../../lib/ssh/wait.ts";
import { runVm } from "../../lib/vm/run.ts";
import { stopVm } from "../../lib/vm/stop.ts";

/** A throw-away copy of an image, running. */
export interface Booted extends AsyncDisposable {
  readonly ssh: SshSession;
  readonly agent: AgentClient;
  /** Settles when its QEMU has ended. */
  readonly ended: Promise<MachineEnd>;
  /** What a command prints, run as root; throws when it fails. */
  root(command: string): Promise<string>;
}

/** Name and password of the demo profile's user. */
export const demoUser = { username: "demo", password: "demo-Passw0rd" } as const;

/** Boots a throw-away overlay of an image as `pim run` does, and logs in with the password. */
export async function boot(image: string): Promise<Booted> {
  await using setup = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "pim-boot-" });
  setup.defer(() => Deno.remove(dir, { recursive: true }));
  const places = {
    vmsDir: join(dir, "vms"),
    runtimeDir: join(dir, "run"),
    cacheDir: dir,
    images: { registryPath: join(dir, "registry.yml"), imageDir: dir },
  };
  await Deno.mkdir(places.runtimeDir);
  const { record, vm, ended } = await runVm(
    places,
    { what: image, name: "vm", fresh: false, disk: "snapshot" },
    { cwd: dir, defaults: { memoryMiB: 1024, cpus: 2 }, signal: new AbortController().signal },
  );
  setup.defer(async () => void await stopVm(places, "vm", { force: true }));
  const { username, password } = demoUser;
  const ssh = setup.use(
    await waitForSsh({
      host: "127.0.0.1",
      port: record.sshPort ?? 0,
      username,
      auth: [{ password }],
      deadlineMs: 300_000,
    }),
  );
  const agent = setup.use(await connectAgent(vm.files.agent, { timeoutMs: 120_000 }));
  const all = setup.move();
  return {
    ssh,
    agent,
    ended,
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
