import { basename, dirname, join } from "node:path";
import { messageOf, PimError } from "./errors.ts";

/** Writes a file so that readers see the old or the new content whole, never a part. */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: { mode?: number } = {},
): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const part = join(dirname(path), `.${basename(path)}.${crypto.randomUUID().slice(0, 8)}.part`);
  try {
    using file = await Deno.open(part, { write: true, createNew: true, mode: options.mode ?? 0o644 });
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    for (let offset = 0; offset < bytes.length;) offset += await file.write(bytes.subarray(offset));
    await file.syncData();
    await Deno.rename(part, path);
  } catch (cause) {
    await removeIfThere(part);
    throw new PimError(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** The text of a file, or undefined when there is no such file. */
export async function readTextIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw new PimError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

/** Removes a file or a whole folder; nothing happens when it is not there. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
}

/** Whether something is at this path. */
export async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}

/**
 * Takes the exclusive lock of a lock file and holds it until disposed of.
 * The lock is the kernel's (flock), so it dies with its process and is never stale.
 *
 * @param onWait called once when another process holds the lock
 */
export async function lockFile(path: string, onWait?: () => void): Promise<AsyncDisposable> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  try {
    if (!(await file.tryLock(true))) {
      onWait?.();
      await file.lock(true);
    }
  } catch (error) {
    file.close();
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      await file.unlock();
      file.close();
    },
  };
}

/** The lock of {@linkcode lockFile} if it is free right now, else undefined. */
export async function tryLockFile(path: string): Promise<AsyncDisposable | undefined> {
  await Deno.mkdir(dirname(path), { recursive: true });
  const file = await Deno.open(path, { create: true, write: true, mode: 0o600 });
  if (!(await file.tryLock(true))) {
    file.close();
    return undefined;
  }
  return {
    async [Symbol.asyncDispose]() {
      await file.unlock();
      file.close();
    },
  };
}
