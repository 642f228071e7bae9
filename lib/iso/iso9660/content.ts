import { basename, dirname, join } from "node:path";
import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import { writeAll } from "../../output.ts";
import type { Node } from "./directory.ts";
import { isoError, type Source } from "./source.ts";

const pieceBytes = 1024 * 1024;

/** Refuses content that the image cannot hold, before anything is allocated or written. */
function checkContent(source: Source, node: Node, path: string): void {
  const shown = JSON.stringify(path);
  if (node.unreadable !== undefined) {
    throw isoError(source.path, `${shown} cannot be read: ${node.unreadable}`);
  }
  // Extents may overlap, so that a small image could claim petabytes.
  if (node.bytes > source.bytes) {
    throw isoError(source.path, `${shown} claims ${node.bytes} bytes, more than the whole image has`);
  }
  for (const { offset, bytes } of node.extents) {
    if (bytes > 0 && offset + bytes > source.bytes) {
      throw isoError(source.path, `it is cut off: ${shown} lies beyond its end at byte ${source.bytes}`);
    }
  }
}

/** The whole content of a file, if it is not larger than `maxBytes`. */
export async function readContent(
  source: Source,
  node: Node,
  path: string,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  checkContent(source, node, path);
  if (node.bytes > maxBytes) {
    throw isoError(
      source.path,
      `${JSON.stringify(path)} has ${node.bytes} bytes; at most ${maxBytes} are read here`,
    );
  }
  const content = new Uint8Array(node.bytes);
  let at = 0;
  for (const { offset, bytes } of node.extents) {
    if (bytes > 0) await source.readInto(offset, content.subarray(at, at + bytes));
    at += bytes;
  }
  return content;
}

/** Copies a file of the image to `destination`, which appears only when it is whole; returns its size in bytes. */
export async function extractTo(
  source: Source,
  node: Node,
  path: string,
  destination: string,
  signal?: AbortSignal,
): Promise<number> {
  checkContent(source, node, path);
  const part = join(
    dirname(destination),
    `.${basename(destination)}.${crypto.randomUUID().slice(0, 8)}.part`,
  );
  try {
    using file = await Deno.open(part, { write: true, createNew: true });
    for (const extent of node.extents) await copyExtent(source, extent.offset, extent.bytes, file, signal);
    await Deno.rename(part, destination);
  } catch (error) {
    await removeIfThere(part);
    if (error instanceof PimError) throw error;
    throw new PimError(`Cannot extract ${path} from ${source.path} to ${destination}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  return node.bytes;
}

async function copyExtent(
  source: Source,
  offset: number,
  bytes: number,
  file: Deno.FsFile,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(pieceBytes, bytes));
  for (let done = 0; done < bytes;) {
    if (signal?.aborted) throw new CancelledError();
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes - done));
    await source.readInto(offset + done, piece);
    await writeAll(file, piece);
    done += piece.length;
  }
}
