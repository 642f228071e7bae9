import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, messageOf, PimError } from "./errors.ts";
import { writeAll } from "./output.ts";

/** Writes a file so that readers see the old or the new content whole, never a part. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}.part`);
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    using file = await Deno.open(part, { write: true, createNew: true, mode: options.mode ?? 0o644 });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await writeAll(file, bytes);
    await file.syncData();
    await Deno.rename(part, path);
  } catch (cause) {
    await removeIfThere(part);
    throw new PimError(`Cannot write ${path}: ${messageOf(cause)}`, { cause, hint: writeHint(path, cause) });
  }
}

/** What to do when a file could not be written: make room, or choose another folder. */
function writeHint(path: string, cause: unknown): string | undefined {
  const { code } = cause as { readonly code?: unknown };
  if (code === "ENOSPC") return `Make room on its file system: df -h ${dirname(path)}`;
  return code === "EACCES" || code === "EPERM" || code === "EROFS"
    ? "If it is one of `pim config path`, `pim help environment` has the variable that chooses another."
    : undefined;
}

/** The text of a file, or undefined when there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The bytes of a file, or undefined when there is no such file. */
export async function readBytesIfThere(path: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Removes a file or a whole folder; nothing happens when it is not there. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (cause) {
    if (isAbsence(cause)) return;
    const denied = cause instanceof Deno.errors.PermissionDenied;
    throw new PimError(`Cannot remove ${path}: ${messageOf(cause)}`, {
      cause,
      // What pim has made as root, with sudo, only root removes.
      ...(denied && { hint: `See whose it is: ls -lAR ${path}` }),
    });
  }
}

/** Whether something is at this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (cause) {
    if (isAbsence(cause)) return false;
    throw new PimError(`Cannot look at ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** What the file system says of what is at a path, or undefined when nothing is. */
export async function statIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.stat(path);
  } catch (cause) {
    if (isAbsence(cause)) return undefined;
    throw new PimError(`Cannot look at ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Whether an error says that nothing is at a path; a file in place of a parent folder says so too. */
function isAbsence(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
}

/**
 * Takes the exclusive lock of a lock file and holds it until disposed of.
 * The lock is the kernel's (flock), so it dies with its process and is never stale.
 *
 * @param onWait called once when another process holds the lock
 */
export async function lockFile(
  path: string,
  onWait?: () => void,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const file = await openLock(path);
  try {
    for (let attempt = 0; !(await file.tryLock(true)); attempt++) {
      // Not at once: who only looks whether it is held has it for a moment.
      if (attempt === 1) onWait?.();
      // Asked again and again: a wait inside the kernel could not be given up.
      await sleep(20, undefined, { signal });
    }
  } catch (cause) {
    file.close();
    if (signal?.aborted) throw new CancelledError();
    throw new PimError(`Cannot lock ${path}: ${messageOf(cause)}`, { cause });
  }
  return held(file);
}

/** The lock of {@linkcode lockFile} if it is free right now, else undefined. */
export async function tryLockFile(path: string): Promise<AsyncDisposable | undefined> {
  const file = await openLock(path);
  if (await file.tryLock(true)) return held(file);
  file.close();
  return undefined;
}

/** Whether a process holds the lock of a lock file; one that is not there is held by nobody. Nothing is created. */
export async function isLocked(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    // A shared lock: two who ask at the same time do not take each other for the holder.
    return !(await file.tryLock(false));
  } catch (cause) {
    if (isAbsence(cause)) return false;
    throw new PimError(`Cannot look at the lock ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function openLock(path: string): Promise<Deno.FsFile> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true });
    return await Deno.open(path, { create: true, write: true, mode: 0o600 });
  } catch (cause) {
    throw new PimError(`Cannot open the lock ${path}: ${messageOf(cause)}`, {
      cause,
      hint: writeHint(path, cause),
    });
  }
}

function held(file: Deno.FsFile): AsyncDisposable {
  return {
    async [Symbol.asyncDispose]() {
      await file.unlock();
      file.close();
    },
  };
}
