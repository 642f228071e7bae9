import { join } from "node:path";
import { CancelledError, exitCode, messageOf, PimError } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import { hashFile } from "../../hash.ts";
import { writeAll } from "../../output.ts";
import { run, which } from "../../process.ts";
import type { WantedIso } from "./wanted.ts";

/** Called with the bytes that are done so far. */
export type OnBytes = (bytes: number) => void;

const pieceBytes = 4 * 1024 * 1024;
const syncBytes = 16 * 1024 * 1024;

/** The ending of a file that is not yet whole. */
export const partEnding = ".pim-part";

/** The name that an ISO has on the stick until it is whole and was read back. Ventoy does not list such files. */
export function partOf(folder: string, filename: string): string {
  return join(folder, `${filename}${partEnding}`);
}

/** Copies an ISO to a stick under its temporary name and waits until the stick has it. */
export async function copyToPart(
  folder: string,
  { entry, file }: WantedIso,
  signal: AbortSignal | undefined,
  onBytes: OnBytes,
): Promise<void> {
  const part = partOf(folder, entry.filename);
  try {
    using source = await Deno.open(file.path);
    // A link in its place would lead elsewhere.
    await removeIfThere(part);
    using target = await Deno.open(part, { write: true, createNew: true });
    const buffer = new Uint8Array(pieceBytes);
    let bytes = 0;
    for (;;) {
      if (signal?.aborted) throw new CancelledError();
      const count = await source.read(buffer);
      if (count === null) break;
      await writeAll(target, buffer.subarray(0, count));
      // Written out again and again, so that progress is the stick's and Ctrl-C does not wait for gigabytes.
      if (Math.floor((bytes += count) / syncBytes) > Math.floor((bytes - count) / syncBytes)) {
        await target.syncData();
      }
      onBytes(bytes);
    }
    await target.sync();
  } catch (cause) {
    await removeIfThere(part).catch(() => {});
    if (cause instanceof CancelledError) throw cause;
    throw new PimError(`Cannot copy ${entry.key} to the stick: ${messageOf(cause)}`, {
      cause,
      hint: "Was it pulled out? Plug it in again and repeat the command; what was copied whole is kept.",
    });
  }
}

/** Reads a copied ISO back and gives it its name; throws with exit code 5 when the stick has not kept it. */
export async function verifyPart(
  folder: string,
  { entry, file }: WantedIso,
  signal: AbortSignal | undefined,
  onBytes: OnBytes,
): Promise<void> {
  const part = partOf(folder, entry.filename);
  let hash: string;
  try {
    hash = await hashFile(part, file.checksum.algorithm, { signal, onProgress: onBytes });
  } catch (cause) {
    if (cause instanceof CancelledError) throw cause;
    throw new PimError(`Cannot read ${entry.key} back from the stick: ${messageOf(cause)}`, { cause });
  }
  if (hash !== file.checksum.hash) {
    await removeIfThere(part).catch(() => {});
    throw new PimError(`${entry.key} reads back from the stick with other content than was written`, {
      exitCode: exitCode.checksum,
      hint: "The stick is broken or smaller than it says. Take another one.",
    });
  }
  try {
    await Deno.rename(part, join(folder, entry.filename));
  } catch (cause) {
    throw new PimError(`Cannot give ${entry.filename} its name on the stick: ${messageOf(cause)}`, { cause });
  }
}

/** Drops a file from the kernel's cache, as dd(1) does it with `nocache`; false where there is no such dd. */
export async function dropFromCache(path: string): Promise<boolean> {
  if (Deno.build.os !== "linux" || await which("dd") === undefined) return false;
  const { code } = await run(["dd", `if=${path}`, "iflag=nocache", "count=0", "status=none"], {
    okStatus: [0, 1],
  });
  return code === 0;
}
