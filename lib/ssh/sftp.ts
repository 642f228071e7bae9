import { Buffer } from "node:buffer";
import { posix } from "node:path";
// @ts-types="@types/ssh2"
import type { SFTPWrapper } from "ssh2";
import { messageOf, PimError } from "../errors.ts";
import { SshError } from "./errors.ts";
import { guarded, type Limits, type Link } from "./link.ts";
import { settled, type UploadContent, type WriteOptions, writeRemoteFile } from "./write_file.ts";

/** What SFTP says of a remote file. */
export interface RemoteFile {
  readonly bytes: number;
  readonly isFolder: boolean;
  /** When it was last changed, in seconds since 1970. */
  readonly modifiedSeconds: number;
}

/** A channel for the files of the far side; paths have slashes, on Windows too. Throws PimError and SshError. */
export interface SftpSession extends Disposable {
  /** What is at a path, or undefined. */
  stat(path: string): Promise<RemoteFile | undefined>;
  /** The absolute form of a path that starts at the user's home. */
  absolute(path: string): Promise<string>;
  /** Makes a folder and those above it; nothing happens when it is there. */
  makeFolder(path: string): Promise<void>;
  /** Gives a file another name; without `replace` it fails where that is taken. */
  rename(from: string, to: string, options: { readonly replace: boolean }): Promise<void>;
  /** Removes a file; nothing happens when it is not there. */
  remove(path: string): Promise<void>;
  /** Writes a file. */
  write(path: string, content: UploadContent, options: WriteOptions): Promise<void>;
  /** Calls back with the first bytes of a file, or with all, piece by piece. */
  read(path: string, onPiece: (piece: Uint8Array) => void, bytes?: number): Promise<void>;
  /** Bytes that this user can still write to the file system of a folder; undefined where the server cannot tell. */
  freeBytes(folder: string): Promise<number | undefined>;
}

/** Opens a channel for files; undefined when this server has none. */
export async function openSftpSession(link: Link, limits: Limits = {}): Promise<SftpSession | undefined> {
  const sftp = await guarded(link, `${link.where}: SFTP`, limits, openSftp(link));
  if (sftp === undefined) return undefined;
  const work = async <T>(what: string, doing: Promise<T>): Promise<T> => {
    try {
      return await guarded(link, `${link.where}: ${what}`, limits, doing);
    } catch (error) {
      if (error instanceof PimError || limits.signal?.aborted) throw error;
      throw new PimError(`${link.where}: ${what}: ${reasonOf(error)}`, { cause: error });
    }
  };
  const stat = (path: string) => work(path, statIfThere(sftp, path));
  const makeFolder = async (path: string): Promise<void> => {
    const found = await stat(path);
    if (found?.isFolder) return;
    if (found !== undefined) throw new PimError(`${link.where}: ${path} is no folder`);
    const parent = posix.dirname(path);
    if (parent !== path) await makeFolder(parent);
    await work(`the folder ${path}`, settled((callback) => sftp.mkdir(path, callback)));
  };
  return {
    stat,
    absolute: (path) =>
      work(
        path,
        new Promise((resolve, reject) =>
          sftp.realpath(".", (error, home) =>
            error ? reject(error) : resolve(isAbsolute(path) ? path : posix.join(home, path)))
        ),
      ),
    makeFolder,
    rename: (from, to, { replace }) => work(`renaming ${from} to ${to}`, renameFile(sftp, from, to, replace)),
    async remove(path) {
      if (await stat(path) !== undefined) {
        await work(`removing ${path}`, settled((callback) => sftp.unlink(path, callback)));
      }
    },
    write: (path, content, options) =>
      work(`upload of ${path}`, writeRemoteFile(sftp, content, path, options)),
    read: (path, onPiece, bytes) => work(`reading ${path}`, readPieces(sftp, path, onPiece, bytes)),
    freeBytes: (folder) => work(`free space of ${folder}`, freeBytes(sftp, folder)),
    [Symbol.dispose]: () => sftp.end(),
  };
}

function isAbsolute(path: string): boolean {
  return path.startsWith("/") || /^[A-Za-z]:\//.test(path);
}

/** The SFTP channel, or undefined when this server has none. */
export function openSftp(link: Link): Promise<SFTPWrapper | undefined> {
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

// SSH_FX_NO_SUCH_FILE of draft-ietf-secsh-filexfer-02, section 7.
const noSuchFile = 2;

function reasonOf(error: unknown): string {
  // All that SFTP has for a full disk, a name that is taken and much else (draft, section 7: SSH_FX_FAILURE).
  return messageOf(error) === "Failure" ? "the server says no more than that it failed" : messageOf(error);
}

function statIfThere(sftp: SFTPWrapper, path: string): Promise<RemoteFile | undefined> {
  return new Promise((resolve, reject) =>
    sftp.stat(path, (error, stats) => {
      if (error === undefined || error === null) {
        resolve({ bytes: stats.size, isFolder: stats.isDirectory(), modifiedSeconds: stats.mtime });
      } else if ((error as { code?: unknown }).code === noSuchFile) resolve(undefined);
      else reject(error);
    })
  );
}

async function renameFile(sftp: SFTPWrapper, from: string, to: string, replace: boolean): Promise<void> {
  if (!replace) return await settled((callback) => sftp.rename(from, to, callback));
  try {
    await settled((callback) => sftp.ext_openssh_rename(from, to, callback));
  } catch {
    // A server without OpenSSH's extension renames only to a name that is free.
    await settled((callback) => sftp.unlink(to, callback)).catch(() => {});
    await settled((callback) => sftp.rename(from, to, callback));
  }
}

const readBytes = 32_768;
const readsInFlight = 64;

async function readPieces(
  sftp: SFTPWrapper,
  path: string,
  onPiece: (piece: Uint8Array) => void,
  bytes = Infinity,
): Promise<void> {
  const handle = await new Promise<Buffer>((resolve, reject) =>
    sftp.open(path, "r", (error, handle) => error ? reject(error) : resolve(handle))
  );
  try {
    const size = await new Promise<number>((resolve, reject) =>
      sftp.fstat(handle, (error, stats) => error ? reject(error) : resolve(stats.size))
    );
    const end = Math.min(size, bytes);
    const waiting: Promise<Uint8Array>[] = [];
    for (let position = 0; position < end || waiting.length > 0;) {
      while (position < end && waiting.length < readsInFlight) {
        const length = Math.min(readBytes, end - position);
        const piece = readPiece(sftp, handle, position, length);
        piece.catch(() => {});
        waiting.push(piece);
        position += length;
      }
      onPiece(await waiting.shift()!);
    }
  } finally {
    await settled((callback) => sftp.close(handle, callback)).catch(() => {});
  }
}

async function readPiece(
  sftp: SFTPWrapper,
  handle: Buffer,
  position: number,
  length: number,
): Promise<Uint8Array> {
  const buffer = Buffer.alloc(length);
  for (let filled = 0; filled < length;) {
    filled += await new Promise<number>((resolve, reject) =>
      sftp.read(handle, buffer, filled, length - filled, position + filled, (error, count) => {
        if (error) reject(error);
        else if (count === 0) reject(new Error("the file became shorter while it was read"));
        else resolve(count);
      })
    );
  }
  return buffer;
}

function freeBytes(sftp: SFTPWrapper, folder: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    try {
      // OpenSSH's extension statvfs (its file PROTOCOL, section 4.4); ssh2's types lack its answer.
      sftp.ext_openssh_statvfs(folder, (error: unknown, answer: unknown) => {
        const { f_bavail: blocks, f_frsize: blockBytes } = (answer ?? {}) as Record<string, unknown>;
        const known = !error && typeof blocks === "number" && typeof blockBytes === "number";
        resolve(known ? blocks * blockBytes : undefined);
      });
    } catch {
      resolve(undefined); // A server without it.
    }
  });
}
