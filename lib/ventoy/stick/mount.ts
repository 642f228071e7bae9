import { HostError, messageOf, PimError, UsageError } from "../../errors.ts";
import { tryLockFile } from "../../files.ts";
import { log } from "../../log.ts";
import { runtimeLock, stickMount } from "../../paths.ts";
import { ProcessError, run, which } from "../../process.ts";
import { becomeRoot } from "../../sudo.ts";
import { probe } from "../disk/probe.ts";
import type { Stick } from "./find_stick.ts";
import { mountWays, parseUdisks } from "./mount_args.ts";
import { mountAt, mountOf } from "./mount_table.ts";
import { patiently, unmountAsRoot } from "./unmount.ts";

/** A stick whose files can be used; disposing of it unmounts what pim has mounted. */
export interface MountedStick extends AsyncDisposable {
  readonly folder: string;
  readonly readOnly: boolean;
  /** Whether pim has mounted it. */
  readonly ours: boolean;
  /** Makes sure that what is read next comes from the stick; says how far that is proved. */
  forget(): Promise<"remounted" | "cache dropped" | "as it is">;
}

/** Options of {@linkcode mountStick}. */
export interface MountOptions {
  readonly runtimeDir: string;
  readonly readOnly?: boolean;
  readonly signal?: AbortSignal;
}

/** Mounts the data partition of a stick unless it is mounted; one pim at a time works on a stick. */
export async function mountStick(stick: Stick, options: MountOptions): Promise<MountedStick> {
  if (stick.kind === "folder") return foreignMount(stick.folder, await isReadOnly(stick.folder));
  const { data } = stick;
  const lock = await tryLockFile(runtimeLock(options.runtimeDir, "ventoy", data.name));
  if (lock === undefined) {
    throw new PimError(`Another pim works on ${stick.name}`, {
      hint: "Wait until it is done, then try again.",
    });
  }
  try {
    const folder = stickMount(options.runtimeDir, data.name);
    const mounted = await mountOf(data.path);
    if (mounted !== undefined && mounted.folder !== folder) {
      return foreignMount(mounted.folder, mounted.readOnly, lock);
    }
    // The lock was free, so this mount is what a killed pim has left.
    if (await mountAt(folder) !== undefined) await unmountAsRoot(data.path, folder, options.signal);
    return await ownMount(stick, folder, options, lock);
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

type Unmount = () => Promise<void>;
interface Mounted {
  readonly folder: string;
  readonly unmount: Unmount;
}

async function ownMount(
  stick: Extract<Stick, { kind: "disk" }>,
  folder: string,
  options: MountOptions,
  lock: AsyncDisposable,
): Promise<MountedStick> {
  const mount = async () => await byUdisks(stick, options) ?? await asRoot(stick, folder, options);
  let current: Mounted | undefined = await mount();
  let last = current.folder;
  return {
    // udisks may choose another place the second time.
    get folder() {
      return last;
    },
    readOnly: options.readOnly === true || stick.data.readOnly,
    ours: true,
    async forget() {
      await current?.unmount();
      current = undefined;
      current = await mount();
      last = current.folder;
      return "remounted";
    },
    async [Symbol.asyncDispose]() {
      try {
        await current?.unmount();
      } finally {
        await lock[Symbol.asyncDispose]();
      }
    },
  };
}

/** Mounts as a user who sits before this machine may; undefined where udisks does not want to. */
async function byUdisks(
  { data }: Extract<Stick, { kind: "disk" }>,
  { readOnly }: MountOptions,
): Promise<Mounted | undefined> {
  if (Deno.uid() === 0 || await which("udisksctl") === undefined) return undefined;
  const common = ["--no-user-interaction", "-b", data.path];
  try {
    const { stdout } = await run(["udisksctl", "mount", ...common, ...(readOnly ? ["-o", "ro"] : [])]);
    const folder = parseUdisks(stdout) ?? (await mountOf(data.path))?.folder;
    if (folder === undefined) throw new PimError(`udisksctl has not mounted ${data.path}: ${stdout.trim()}`);
    return {
      folder,
      unmount: () => patiently(data.path, () => run(["udisksctl", "unmount", ...common])),
    };
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    log.debug(`udisks does not mount ${data.path}: ${error.message}`);
    return undefined;
  }
}

async function asRoot(
  stick: Extract<Stick, { kind: "disk" }>,
  folder: string,
  options: MountOptions,
): Promise<Mounted> {
  const { data } = stick;
  const root = await becomeRoot(`Mounting ${data.path} takes root's rights`, options.signal);
  const { fileSystem } = await probe(data);
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  const owner = { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 };
  const readOnly = options.readOnly === true || data.readOnly;
  const ways = mountWays(data.path, folder, fileSystem ?? "exfat", owner, readOnly);
  const failures: string[] = [];
  for (const { argv } of ways) {
    try {
      await run(root(argv));
      return { folder, unmount: () => unmountAsRoot(data.path, folder) };
    } catch (error) {
      if (!(error instanceof PimError)) throw error;
      failures.push(messageOf(error));
    }
  }
  await Deno.remove(folder).catch(() => {});
  throw new HostError(`Cannot mount ${data.path} (${fileSystem ?? "exfat"}):\n${failures.join("\n")}`, {
    hint: ways.length > 1
      ? "If this system knows no exFAT, install exfat-fuse (sudo apt-get install exfat-fuse)."
      : "Try it by hand; a stick that was pulled out while it was written may need fsck.",
  });
}

function foreignMount(folder: string, readOnly: boolean, lock?: AsyncDisposable): MountedStick {
  const linux = Deno.build.os === "linux";
  return {
    folder,
    readOnly,
    ours: false,
    forget: () => Promise.resolve(linux ? "cache dropped" : "as it is"),
    async [Symbol.asyncDispose]() {
      // It stays mounted, so nothing else makes sure that the stick has everything.
      if (!readOnly) await run(linux ? ["sync", "--file-system", folder] : ["sync"]).catch(() => {});
      await lock?.[Symbol.asyncDispose]();
    },
  };
}

async function isReadOnly(folder: string): Promise<boolean> {
  return (await mountAt(folder))?.readOnly ?? false;
}

/** Throws when nothing can be written to a mounted stick. */
export function checkWritable(stick: Stick, { readOnly, folder }: MountedStick): void {
  if (!readOnly) return;
  throw new UsageError(
    `${stick.name} cannot be written to: it is write-protected, or mounted read-only (${folder})`,
    {
      hint: "Slide its write protection switch, or unmount it and try again.",
    },
  );
}
