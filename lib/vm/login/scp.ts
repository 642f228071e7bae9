import { dirname, resolve } from "node:path";
import { messageOf, UsageError } from "../../errors.ts";
import { missingFile } from "../../missing_file.ts";
import { run } from "../../process.ts";
import { type Copy, type ScpDialect, scpDialect } from "./scp_args.ts";

/** Throws UsageError for what is wrong on this side, before anything is connected. */
export async function checkLocalSide(copy: Copy, cwd: string): Promise<void> {
  if (copy.direction === "in") {
    for (const source of copy.sources) await statOf(resolve(cwd, source));
    return;
  }
  const to = resolve(cwd, copy.to);
  const folder = copy.sources.length > 1 ? to : dirname(to);
  if (!(await statOf(folder)).isDirectory) {
    throw new UsageError(`Cannot copy into ${folder}: it is no folder`);
  }
}

async function statOf(path: string): Promise<Deno.FileInfo> {
  try {
    return await Deno.stat(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) {
      throw await missingFile(path, { what: "file or folder", cause });
    }
    throw new UsageError(`Cannot look at ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The dialect of the scp on this host, which comes with its ssh. */
export async function findScpDialect(): Promise<ScpDialect> {
  return scpDialect((await run(["ssh", "-V"])).stderr);
}
