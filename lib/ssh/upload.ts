import { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
// @ts-types="@types/ssh2"
import type { SFTPWrapper } from "ssh2";
import { messageOf, PimError } from "../errors.ts";
import { SshError } from "./errors.ts";
import { execOn, type ExecOptions } from "./exec.ts";
import { guarded, type Limits, type Link } from "./link.ts";
import { shellQuote } from "./quote.ts";

/** What to upload: bytes, text, or a local file that is read piece by piece. */
export type UploadContent = Uint8Array | string | { readonly path: string };

/** Options of an upload. */
export interface UploadOptions extends Limits {
  /** Permissions of the remote file; 0o644 unless given. */
  readonly mode?: number;
}

// What every SFTP server accepts in one write (draft-ietf-secsh-filexfer-02, section 3).
const chunkBytes = 32_768;
// Enough to fill the connection without keeping a large file in memory.
const writesInFlight = 32;

/**
 * Writes a remote file over SFTP, or through `cat` where the server has no SFTP. A relative path starts at the
 * user's home. The file never has wider permissions than `mode`.
 */
export async function uploadOver(
  link: Link,
  content: UploadContent,
  remotePath: string,
  options: UploadOptions = {},
): Promise<void> {
  const what = `${link.where}: upload of ${remotePath}`;
  const mode = options.mode ?? 0o644;
  const sftp = await guarded(link, what, options, openSftp(link));
  if (sftp === undefined) return await uploadThroughCat(link, what, content, remotePath, mode, options);
  try {
    await guarded(link, what, options, writeFile(sftp, content, remotePath, mode));
  } catch (error) {
    if (error instanceof PimError) throw error;
    throw new PimError(`${what}: ${messageOf(error)}`, { cause: error });
  } finally {
    sftp.end();
  }
}

/** The SFTP channel, or undefined when this server has none. */
function openSftp(link: Link): Promise<SFTPWrapper | undefined> {
  return new Promise((resolve, reject) => {
    try {
      link.client.sftp((error, sftp) => {
        if (error) return resolve(undefined);
        sftp.on("error", () => {});
        resolve(sftp);
      });
    } catch (error) {
      reject(link.lost ?? new SshError("lost", `${link.where}: ${messageOf(error)}`, { cause: error }));
    }
  });
}

async function writeFile(
  sftp: SFTPWrapper,
  content: UploadContent,
  path: string,
  mode: number,
): Promise<void> {
  const handle = await new Promise<Buffer>((resolve, reject) =>
    sftp.open(path, "w", { mode }, (error, handle) => error ? reject(error) : resolve(handle))
  );
  const done = (start: (callback: (error?: Error | null) => void) => void) =>
    new Promise<void>((resolve, reject) => start((error) => error ? reject(error) : resolve()));
  try {
    // The server's umask, or an older file, may have decided otherwise.
    await done((callback) => sftp.fchmod(handle, mode, callback));
    const inFlight = new Set<Promise<void>>();
    let position = 0;
    for await (const chunk of chunks(content)) {
      const offset = position;
      position += chunk.length;
      const write = done((callback) => sftp.write(handle, chunk, 0, chunk.length, offset, callback));
      inFlight.add(write);
      // The failure is seen by the race or by the final wait; this chain only keeps the books.
      write.then(() => inFlight.delete(write), () => {});
      if (inFlight.size >= writesInFlight) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
  } finally {
    await done((callback) => sftp.close(handle, callback)).catch(() => {});
  }
}

async function* chunks(content: UploadContent): AsyncGenerator<Buffer> {
  if (typeof content === "string" || content instanceof Uint8Array) {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
      yield Buffer.from(bytes.subarray(offset, offset + chunkBytes));
    }
    return;
  }
  using file = await openLocal(content.path);
  for (;;) {
    const buffer = new Uint8Array(chunkBytes);
    const count = await file.read(buffer);
    if (count === null) return;
    yield Buffer.from(buffer.buffer, 0, count);
  }
}

async function openLocal(path: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(path);
  } catch (cause) {
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function uploadThroughCat(
  link: Link,
  what: string,
  content: UploadContent,
  remotePath: string,
  mode: number,
  options: UploadOptions,
): Promise<void> {
  const limits: ExecOptions = options;
  // Written beside and renamed, so that a failed upload leaves no half of a script behind.
  const part = shellQuote(`${remotePath}.${randomUUID().slice(0, 8)}.part`);
  const command = `umask 077; cat > ${part} && chmod ${mode.toString(8)} ${part} && ` +
    `mv -f ${part} ${shellQuote(remotePath)} || { rm -f ${part}; exit 1; }`;
  const result = await execOn(link, command, { ...limits, stdin: chunks(content) });
  if (result.code !== 0) {
    throw new PimError(
      `${what}: ${result.stderr.trim() || `cat ended with ${result.code ?? result.signal}`}`,
    );
  }
}
