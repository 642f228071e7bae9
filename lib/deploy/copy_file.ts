import { createHash } from "node:crypto";
import { CancelledError } from "../errors.ts";
import type { ActionContext } from "./target.ts";

const pieceBytes = 2 * 1024 * 1024;

/** Copies a file and returns the SHA-256 of what was copied, in hexadecimal. */
export async function copyWithHash(
  source: string,
  target: string,
  { signal, progress }: Pick<ActionContext, "signal" | "progress">,
): Promise<string> {
  const { size } = await Deno.stat(source);
  using out = await Deno.open(target, { write: true, createNew: true, mode: 0o644 });
  let done = 0;
  return await hashPieces(source, signal, async (piece) => {
    for (let rest = piece; rest.length > 0;) rest = rest.subarray(await out.write(rest));
    done += piece.length;
    progress(done, size);
  });
}

/** The SHA-256 of a file in hexadecimal. */
export function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  return hashPieces(path, signal, async () => {});
}

async function hashPieces(
  path: string,
  signal: AbortSignal,
  each: (piece: Uint8Array) => Promise<void>,
): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(pieceBytes);
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) return hash.digest("hex");
    if (signal.aborted) throw new CancelledError();
    const piece = buffer.subarray(0, count);
    hash.update(piece);
    await each(piece);
  }
}
