import type { HttpResponse } from "../../http/get.ts";
import { brokenOff, type Fetching, report, type Stretch } from "./fetching.ts";
import type { PartWriter } from "./growing_part.ts";

// Two of these for each connection are all the memory that a download takes, whatever the size of the file.
const bufferBytes = 1024 * 1024;
const smallestBufferBytes = 16 * 1024;

/** Writes what a server sends into the .part file; while some is written, the next is received. */
export async function receive(
  fetching: Fetching,
  response: HttpResponse,
  stretch: Stretch,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { part, options: { rateLimit } } = fetching;
  using writer = await part.writer(stretch.start);
  const size = bufferSize(rateLimit?.bytesPerSecond);
  let free = new Uint8Array(size);
  let writing: Promise<Uint8Array<ArrayBuffer>> = Promise.resolve(new Uint8Array(size));
  report(fetching);
  try {
    for (;;) {
      const piece = await response.read(free);
      free = await writing;
      if (piece === undefined) break;
      writing = write(fetching, writer, piece, response, stretch);
      // Whoever awaits it next is told.
      writing.catch(() => {});
      await rateLimit?.take(piece.length, signal);
    }
  } finally {
    await writing;
  }
  if (stretch.end === undefined) part.end();
  else if (stretch.start < stretch.end) throw brokenOff(fetching, response.url, "the connection broke off");
}

/** Writes a piece and returns its memory. */
async function write(
  fetching: Fetching,
  writer: PartWriter,
  piece: Uint8Array<ArrayBuffer>,
  { url }: HttpResponse,
  stretch: Stretch,
): Promise<Uint8Array<ArrayBuffer>> {
  if (stretch.end !== undefined && piece.length > stretch.end - stretch.start) {
    throw brokenOff(fetching, url, "the server sends more than it said");
  }
  await writer.write(piece);
  stretch.start += piece.length;
  report(fetching);
  return new Uint8Array(piece.buffer);
}

/** Under a limit small pieces, so that the bytes flow rather than come in gulps. */
function bufferSize(bytesPerSecond = Infinity): number {
  return Math.max(smallestBufferBytes, Math.min(bufferBytes, Math.ceil(bytesPerSecond / 16)));
}
