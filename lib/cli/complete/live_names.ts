import type { Config } from "../../config/config.ts";
import type { PimContext } from "../context.ts";

type List = (context: PimContext) => Promise<readonly string[]>;

// Each one loads what it takes: who completes a VM's name does not wait for the ISO catalog.
const lists = {
  profiles: async (context) => {
    const { listProfiles } = await import("../../profile/load.ts");
    return await listProfiles((await context.config()).folders);
  },
  isos: (context) => keysOf(context, "isos.d"),
  targets: async (context) => {
    const { listFolder } = await import("../../config/folders.ts");
    const own = ownFolders(await context.config());
    // A module is one target, called as its file; it is not run for that.
    const modules = await Promise.all(
      own.map((folder) => listFolder(folder, "targets.d", /(?<!\.d)\.m?[jt]s$/)),
    );
    const names = modules.flat().map((file) => file.replace(/\.m?[jt]s$/, ""));
    return [...await keysOf(context, "targets.d"), ...names];
  },
  "known-isos": async () => {
    const { searchKnown } = await import("../../iso/catalog/known/find_known.ts");
    return searchKnown([], undefined).map(({ key }) => key);
  },
  images: async (context) => {
    const { openRegistry } = await import("../../image/registry.ts");
    const registry = await openRegistry(await registryOf(context));
    return registry.list().map(({ name }) => name);
  },
  deployments: async (context) => {
    const { listDeployments } = await import("../../image/deployments.ts");
    return (await listDeployments(await registryOf(context))).map(({ id }) => id);
  },
  vms: async (context) => (await vmsOf(context)).map(({ name }) => name),
  "running-vms": async (context) => {
    return (await vmsOf(context)).filter(({ pid }) => pid !== undefined).map(({ name }) => name);
  },
  "stopped-vms": async (context) => {
    return (await vmsOf(context)).filter(({ pid }) => pid === undefined).map(({ name }) => name);
  },
  builds: async (context) => {
    const { listBuildFolders } = await import("../../build/workspace.ts");
    return (await listBuildFolders((await context.config()).paths)).map(({ name }) => name);
  },
  steps: async (context) => {
    const { listFolder } = await import("../../config/folders.ts");
    const own = ownFolders(await context.config());
    const scripts = await Promise.all(own.map((folder) => listFolder(folder, "scripts.d", /\.sh$/)));
    const names = scripts.flat().map((file) => file.replace(/\.sh$/, ""));
    return ["install", ...names.filter((name) => name !== "finalize"), "finalize"];
  },
  settings: async () => {
    const { settingKeys } = await import("../../config/settings.ts");
    return settingKeys().map((path) => path.join("."));
  },
  sticks: async (context) => {
    const { isPortable, listBlockDevices } = await import("../../ventoy/disk/block_devices.ts");
    const devices = await listBlockDevices(context.signal);
    return devices.filter((device) => device.type === "disk" && isPortable(device)).map(({ path }) => path);
  },
  // deno-lint-ignore require-await -- of the type of all others
  "network-interfaces": async () => Deno.networkInterfaces().map(({ name }) => name),
} satisfies Record<string, List>;

/** A kind of names that only the user's files or the running system tell. */
export type LiveName = keyof typeof lists;

/** The names of these kinds. A kind that cannot be read is left out: this is no time to tell of a mistake in a file. */
export async function liveNames(context: PimContext, kinds: readonly LiveName[]): Promise<string[]> {
  const found = await Promise.allSettled(kinds.map((kind) => lists[kind](context)));
  return found.flatMap((each) => each.status === "fulfilled" ? each.value : []);
}

/** The keys of the YAML files of a `.d` folder. */
async function keysOf(context: PimContext, folder: string): Promise<string[]> {
  const { readEntries } = await import("../../config/entries.ts");
  return (await readEntries(ownFolders(await context.config()), folder)).map(({ key }) => key);
}

function ownFolders({ folders }: Config): Config["folders"] {
  return folders.filter(({ kind }) => kind !== "built-in");
}

async function registryOf(context: PimContext): Promise<string> {
  const { registryFile } = await import("../../paths.ts");
  return registryFile((await context.config()).paths);
}

async function vmsOf(context: PimContext) {
  const [{ userPaths }, { vmDirs }, { listVms }] = await Promise.all([
    import("../../paths.ts"),
    import("../../vm/places.ts"),
    import("../../vm/vms.ts"),
  ]);
  return await listVms(await vmDirs(userPaths(context.env)));
}
