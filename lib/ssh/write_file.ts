import { Buffer } from "node:buffer";
// @ts-types="@types/ssh2"
import type { SFTPWrapper } from "ssh2";
import { messageOf, PimError } from "../errors.ts";

/** What to upload: bytes, text, or a local file that is read piece by piece. */
export type UploadContent = Uint8Array | string | { readonly path: string };

// What every SFTP server accepts in one write (draft-ietf-secsh-filexfer-02, section 3).
const safeBytes = 32_768;
// Larger writes are no faster, and what is in flight is in memory.
const largestBytes = 131_072;
// OpenSSH's window of a channel: with less in flight the connection stands still at times.
const bytesInFlight = 4 * 1024 * 1024;

/** Options of {@linkcode writeRemoteFile}. */
export interface WriteOptions {
  readonly mode: number;
  /** Where to begin, in the content and in the remote file, whose rest is cut off; 0 unless given. */
  readonly from?: number;
  /** Called with the bytes that the far side has. */
  readonly onProgress?: (bytes: number) => void;
}

/** Writes a remote file over SFTP. Pieces that are all zero become holes. */
export async function writeRemoteFile(
  sftp: SFTPWrapper,
  content: UploadContent,
  path: string,
  { mode, from = 0, onProgress }: WriteOptions,
): Promise<void> {
  const handle = await new Promise<Buffer>((resolve, reject) =>
    sftp.open(
      path,
      from === 0 ? "w" : "r+",
      { mode },
      (error, handle) => error ? reject(error) : resolve(handle),
    )
  );
  try {
    // The server's umask, or an older file, may have decided otherwise.
    await settled((callback) => sftp.fchmod(handle, mode, callback));
    if (from > 0) await settled((callback) => sftp.fsetstat(handle, { size: from } as never, callback));
    await sendPieces(sftp, handle, content, from, onProgress);
  } finally {
    await settled((callback) => sftp.close(handle, callback)).catch(() => {});
  }
}

async function sendPieces(
  sftp: SFTPWrapper,
  handle: Buffer,
  content: UploadContent,
  from: number,
  onProgress: WriteOptions["onProgress"],
): Promise<void> {
  const size = writeSize(sftp);
  const atOnce = Math.floor(bytesInFlight / size);
  const inFlight = new Set<Promise<void>>();
  let position = from;
  let written = from;
  let hole = false;
  // ssh2 copies what it is given to write.
  for await (const piece of pieces(content, { size, from, fleeting: true })) {
    const offset = position;
    position += piece.length;
    hole = isZero(piece);
    if (hole) {
      written += piece.length;
      continue;
    }
    const write = settled((callback) => sftp.write(handle, piece, 0, piece.length, offset, callback));
    inFlight.add(write);
    // The failure is seen by the race or by the final wait; this chain only keeps the books.
    write.then(() => {
      inFlight.delete(write);
      onProgress?.(written += piece.length);
    }, () => {});
    if (inFlight.size >= atOnce) await Promise.race(inFlight);
  }
  await Promise.all(inFlight);
  // A hole at the end is no part of the file until its size is set.
  if (hole) await settled((callback) => sftp.fsetstat(handle, { size: position } as never, callback));
  onProgress?.(position);
}

/** How much this server takes in one write. ssh2 knows it and keeps it to itself. */
function writeSize(sftp: SFTPWrapper): number {
  const { _maxWriteLen: limit } = sftp as unknown as { readonly _maxWriteLen?: number };
  return limit !== undefined && limit >= largestBytes ? largestBytes : safeBytes;
}

const zeros = Buffer.alloc(largestBytes);

function isZero(piece: Buffer): boolean {
  return piece[0] === 0 && piece.equals(zeros.subarray(0, piece.length));
}

/** Waits for what a callback reports. */
export function settled(start: (callback: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => error ? reject(error) : resolve()));
}

const readBytes = 1024 * 1024;

/** How content is cut into pieces. */
export interface PieceOptions {
  /** The most bytes of one; what SFTP always takes unless given. */
  readonly size?: number;
  /** Where to begin; 0 unless given. */
  readonly from?: number;
  /** A piece is good only until the next one is asked for. */
  readonly fleeting?: boolean;
}

/** The content piece by piece. */
export async function* pieces(
  content: UploadContent,
  { size = safeBytes, from = 0, fleeting = false }: PieceOptions = {},
): AsyncGenerator<Buffer> {
  if (typeof content === "string" || content instanceof Uint8Array) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    yield* slices(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(from), size);
    return;
  }
  using file = await openLocal(content.path);
  await file.seek(from, Deno.SeekMode.Start);
  let buffer = new Uint8Array(readBytes);
  for (;;) {
    if (!fleeting) buffer = new Uint8Array(readBytes);
    let filled = 0;
    while (filled < buffer.length) {
      const count = await file.read(buffer.subarray(filled));
      if (count === null) break;
      filled += count;
    }
    yield* slices(Buffer.from(buffer.buffer, 0, filled), size);
    if (filled < buffer.length) return;
  }
}

function* slices(bytes: Buffer, size: number): Generator<Buffer> {
  for (let offset = 0; offset < bytes.length; offset += size) yield bytes.subarray(offset, offset + size);
}

async function openLocal(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}
