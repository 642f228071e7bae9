import { join } from "node:path";
import { openRegistry } from "../../lib/image/registry.ts";
import { registryFile, userPaths } from "../../lib/paths.ts";
import { guestInterfaces, guestOs, shutdownGuest } from "../../lib/qemu/agent_commands.ts";
import { boot, demoUser } from "./boot.ts";

/** Starts a throw-away copy of the demo's newest image, says how to reach it and what it is, and stops it. */
export async function showImage(
  env: Readonly<Record<string, string>>,
  say: (line: string) => void,
): Promise<void> {
  const paths = userPaths({ get: (name) => env[name] ?? Deno.env.get(name) });
  const image = (await openRegistry(registryFile(paths))).get("demo");
  await using vm = await boot(join(paths.dataDir, "images", image.file));
  const { username, password } = demoUser;
  say(`SSH:      ssh -p ${vm.sshPort} ${username}@127.0.0.1      (password: ${password})`);
  const os = await guestOs(vm.agent);
  say(`Guest OS: ${os.prettyName}, kernel ${os.kernelRelease}`);
  const addresses = (await guestInterfaces(vm.agent))
    .filter(({ name }) => name !== "lo")
    .flatMap(({ name, addresses }) => addresses.map(({ address, prefix }) => `${name} ${address}/${prefix}`));
  say(`Address:  ${addresses.join(", ")}`);
  await shutdownGuest(vm.agent);
  await vm.machine.ended;
  say("Stopped.");
}
