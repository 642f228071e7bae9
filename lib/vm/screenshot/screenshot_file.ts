import { dirname, extname, join, resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { exists } from "../../files.ts";
import { beginsAsPng } from "./png.ts";

/**
 * The path for a screenshot of a VM: the file that was named, or one with the VM's name and the time (UTC) in the folder
 * that was named, else in `cwd`. Throws UsageError where a file would be overwritten that is neither empty nor a PNG.
 */
export async function screenshotFile(
  vmName: string,
  named: string | undefined,
  cwd: string,
  now = new Date(),
): Promise<string> {
  const path = resolve(cwd, named ?? "");
  const info = await Deno.stat(path).catch(() => undefined);
  if (info?.isDirectory) return await unusedName(path, vmName, now);
  if (info !== undefined) {
    if (info.isFile && await mayGo(path)) return await Deno.realPath(path); // Not the link to it.
    throw new UsageError(`${path} is there already, and is no PNG`, {
      hint: "Name another file, or remove that one.",
    });
  }
  const folder = dirname(path);
  const isFolder = (await Deno.stat(folder).catch(() => undefined))?.isDirectory;
  if (!isFolder || named?.endsWith("/")) {
    throw new UsageError(`There is no folder ${isFolder ? path : folder}`, {
      hint: `Make it first: mkdir -p ${isFolder ? path : folder}`,
    });
  }
  const ending = extname(path);
  if (ending === "" || ending.toLowerCase() === ".png") return path;
  throw new UsageError(`A screenshot is a PNG, not ${ending}`, {
    hint: `Name it such as ${path.slice(0, -ending.length)}.png`,
  });
}

/** Two screenshots within one second have different names. */
async function unusedName(folder: string, vmName: string, now: Date): Promise<string> {
  const time = now.toISOString().replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  const stem = join(folder, `${vmName}-${time}`);
  for (let number = 2, path = `${stem}.png`;; path = `${stem}-${number++}.png`) {
    if (!(await exists(path))) return path;
  }
}

async function mayGo(path: string): Promise<boolean> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(8);
  return await file.read(bytes) === null || beginsAsPng(bytes);
}
