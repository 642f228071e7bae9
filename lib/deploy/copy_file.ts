import { CancelledError } from "../errors.ts";
import { startHash } from "../hash.ts";
import { writeAll } from "../output.ts";
import type { ActionContext } from "./target.ts";

const pieceBytes = 2 * 1024 * 1024;

/** Copies a file and returns the SHA-256 of what was copied, in hexadecimal. */
export async function copyWithHash(
  source: string,
  target: string,
  { signal, progress }: Pick<ActionContext, "signal" | "progress">,
): Promise<string> {
  const { size } = await Deno.stat(source);
  using from = await Deno.open(source);
  using to = await Deno.open(target, { write: true, createNew: true, mode: 0o644 });
  const hash = startHash("sha256");
  const buffer = new Uint8Array(pieceBytes);
  for (let done = 0;;) {
    const count = await from.read(buffer);
    if (count === null) return hash.digest("hex");
    if (signal.aborted) throw new CancelledError();
    const piece = buffer.subarray(0, count);
    hash.update(piece);
    await writeAll(to, piece);
    done += count;
    progress(done, size);
  }
}
