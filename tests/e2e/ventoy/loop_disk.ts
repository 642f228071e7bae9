import { join } from "node:path";
import { run, which } from "../../../lib/process.ts";
import { tempDir } from "../../base/temp.ts";

const programs = [
  "losetup",
  "partx",
  "sfdisk",
  "mkfs.exfat",
  "mount.exfat-fuse",
  "mkfs.vfat",
  "mcopy",
  "wipefs",
];

async function missing(): Promise<string | undefined> {
  if (Deno.uid() !== 0) return "it takes root's rights";
  for (const program of programs) if (await which(program) === undefined) return `there is no ${program}`;
  return await run(["losetup", "-f"]).then(() => undefined, () => "there are no loop devices");
}

/** Why there can be no disks here to test with; undefined when there can. */
export const noDisks: string | undefined = await missing();

/** Whether the kernel itself mounts exFAT, so that no daemon serves it. */
export const kernelExfat: boolean = await run(["modprobe", "exfat"]).then(() => true, () => false) ||
  /\bexfat$/m.test(await Deno.readTextFile("/proc/filesystems").catch(() => ""));

/** The name of a test, with the reason where it is left out. */
export function named(name: string): string {
  return noDisks === undefined ? name : `${name} (left out: ${noDisks})`;
}

/** A disk made of a file. */
export interface LoopDisk extends AsyncDisposable {
  /** "/dev/loop0" */
  readonly path: string;
  readonly file: string;
  partition(number: number): string;
}

/** Makes a disk of so many MiB. */
export async function loopDisk(
  sizeMiB: number,
  options: { readonly readOnly?: boolean; readonly file?: string } = {},
): Promise<LoopDisk> {
  const dir = await tempDir();
  const file = options.file ?? join(dir.path, "disk.img");
  if (options.file === undefined) {
    await using handle = asyncFile(await Deno.open(file, { write: true, createNew: true }));
    await handle.file.truncate(sizeMiB * 1024 * 1024);
  }
  const mode = options.readOnly ? ["--read-only"] : [];
  const { stdout } = await run(["losetup", "--find", "--show", ...mode, file]);
  const path = stdout.trim();
  if (options.file !== undefined) await run(["partx", "-u", path]);
  return {
    path,
    file,
    partition: (number) => `${path}p${number}`,
    async [Symbol.asyncDispose]() {
      // A test that failed may have left it mounted.
      for (const folder of await mountsOf(path)) await run(["umount", "--lazy", folder]);
      await run(["partx", "-d", path], { okStatus: [0, 1] });
      await run(["losetup", "--detach", path], { okStatus: [0, 1] });
      await dir[Symbol.asyncDispose]();
    },
  };
}

function asyncFile(file: Deno.FsFile): AsyncDisposable & { readonly file: Deno.FsFile } {
  return { file, [Symbol.asyncDispose]: () => Promise.resolve(file.close()) };
}

/** Whether anything of a disk is mounted. */
export async function isMounted(path: string): Promise<boolean> {
  return (await mountsOf(path)).length > 0;
}

async function mountsOf(path: string): Promise<string[]> {
  const lines = (await Deno.readTextFile("/proc/mounts")).split("\n");
  return lines.filter((line) => line.startsWith(`${path} `) || line.startsWith(`${path}p`)).map((line) =>
    line.split(" ")[1] as string
  );
}
