import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists } from "../../../../lib/files.ts";
import { run, start } from "../../../../lib/process.ts";

/** A real libvirtd of its own user's session, with a storage pool `images`; nothing of the system's is touched. */
export interface Libvirtd extends AsyncDisposable {
  readonly uri: string;
  /** The folder of the pool. */
  readonly pool: string;
  /** Runs virsh and returns what it writes. */
  virsh(...args: string[]): Promise<string>;
}

// libvirtd of root is always the system's; this one is nobody's.
const nobody = 65_534;

/** Starts libvirtd in a folder of its own and waits until it answers. */
export async function startLibvirtd(): Promise<Libvirtd> {
  // All names are short: those of the sockets that libvirt makes below them are long.
  const folder = await Deno.makeTempDir({ prefix: "l" });
  const at = (name: string) => join(folder, name);
  const dirs = ["run", "c", "c/libvirt", "data", "cache", "pool"];
  for (const name of dirs) await Deno.mkdir(at(name));
  // Without a virtlogd beside it.
  await Deno.writeTextFile(at("c/libvirt/qemu.conf"), 'stdio_handler = "file"\n');
  const asRoot = Deno.uid() === 0;
  if (asRoot) {
    await Deno.chmod(folder, 0o711);
    for (const name of [...dirs, "c/libvirt/qemu.conf"]) await Deno.chown(at(name), nobody, nobody);
  }
  const asNobody = ["setpriv", `--reuid=${nobody}`, `--regid=${nobody}`, "--clear-groups"];
  const env = {
    HOME: at("data"),
    XDG_RUNTIME_DIR: at("run"),
    XDG_CONFIG_HOME: at("c"),
    XDG_DATA_HOME: at("data"),
    XDG_CACHE_HOME: at("cache"),
    PATH: `${Deno.env.get("PATH")}:/usr/sbin`,
  };
  const daemon = start([...(asRoot ? asNobody : []), "/usr/sbin/libvirtd"], { env });
  let ended = false;
  daemon.ended.then(() => ended = true);
  const socket = at("run/libvirt/libvirt-sock");
  while (!(await exists(socket))) {
    if (ended) throw new Error(`libvirtd did not start: ${daemon.stderr()}`);
    await sleep(20);
  }
  const uri = `qemu+unix:///session?socket=${socket}`;
  const virsh = async (...args: string[]) => (await run(["virsh", "-q", "-c", uri, ...args])).stdout.trim();
  await virsh("pool-define-as", "images", "dir", "--target", at("pool"));
  await virsh("pool-start", "images");
  return {
    ...{ uri, pool: at("pool"), virsh },
    async [Symbol.asyncDispose]() {
      for (const name of (await virsh("list", "--name")).split("\n")) {
        if (name !== "") await virsh("destroy", name);
      }
      daemon.kill();
      await daemon.ended;
      await Deno.remove(folder, { recursive: true });
    },
  };
}
