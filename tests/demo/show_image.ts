import { join } from "node:path";
import { openRegistry } from "../../lib/image/registry.ts";
import { ensureRuntimeDir, registryFile, runtimeFiles, userPaths } from "../../lib/paths.ts";
import { connectAgent } from "../../lib/qemu/agent.ts";
import { guestInterfaces, guestOs, shutdownGuest } from "../../lib/qemu/agent_commands.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { createOverlay } from "../../lib/qemu/img.ts";
import { freePort, startOnFreePort } from "../../lib/qemu/ports.ts";
import { waitForSsh } from "../../lib/ssh/wait.ts";

/** Starts a throw-away copy of the demo's newest image, says how to reach it and what it is, and stops it. */
export async function showImage(
  env: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<void> {
  const paths = userPaths({ get: (name) => env[name] ?? Deno.env.get(name) });
  const image = (await openRegistry(registryFile(paths))).newest("demo", "amd64");
  if (image === undefined) throw new Error("the demo's image is not in the registry");
  const host = await probeQemu({ architecture: "amd64", firmware: "bios", cacheDir: paths.cacheDir });
  const dir = await Deno.makeTempDir({ prefix: "pim-demo-" });
  await using cleanup = new AsyncDisposableStack();
  cleanup.defer(() => Deno.remove(dir, { recursive: true }));
  const disk = join(dir, "disk.qcow2");
  await createOverlay(disk, join(paths.dataDir, "images", image.file), host);
  const files = runtimeFiles(await ensureRuntimeDir(paths), `demo-${crypto.randomUUID().slice(0, 8)}`);
  const { machine, hostPort } = await startOnFreePort(host, (port) => ({
    name: "demo",
    memoryMiB: 1024,
    cpus: 2,
    disks: [{ path: disk, format: "qcow2", throwaway: true }],
    forwards: [{ hostPort: port, guestPort: 22 }],
    serial: { socket: files.serial, log: join(dir, "serial.log") },
    qmpSocket: files.qmp,
    agentSocket: files.agent,
  }), { findPort: freePort });
  cleanup.use(machine);
  const ssh = await waitForSsh({
    host: "127.0.0.1",
    port: hostPort,
    username: "demo",
    auth: [{ password: "demo-Passw0rd" }],
    deadlineMs: 300_000,
  });
  cleanup.use(ssh);
  say(`SSH:      ssh -p ${hostPort} demo@127.0.0.1      (password: demo-Passw0rd)`);
  const agent = cleanup.use(await connectAgent(files.agent, { timeoutMs: 60_000 }));
  const os = await guestOs(agent);
  say(`Guest OS: ${os.prettyName}, kernel ${os.kernelRelease}`);
  const addresses = (await guestInterfaces(agent)).filter(({ name }) => name !== "lo")
    .flatMap((each) => each.addresses.map(({ address, prefix }) => `${each.name} ${address}/${prefix}`));
  say(`Address:  ${addresses.join(", ")}`);
  await shutdownGuest(agent);
  await machine.ended;
  say("Stopped.");
}
