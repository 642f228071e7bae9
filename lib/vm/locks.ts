import { isLocked, lockFile, readTextIfThere, tryLockFile } from "../files.ts";
import { log } from "../log.ts";
import { runtimeLock } from "../paths.ts";

/** What is done with a VM while its lock is held. */
export type Doing = "starting" | "stopping" | "restarting" | "removing" | "clearing up";

const all: readonly string[] = ["starting", "stopping", "restarting", "removing", "clearing up"];

/** Holds a VM's name while it is started, stopped or removed; waits for whoever does so now. */
export async function lockVm(
  runtimeDir: string,
  name: string,
  doing: Doing,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const path = runtimeLock(runtimeDir, "vm", name);
  const waiting = async () => log.info(`Waiting for another pim that is ${await readDoing(path)} ${name}`);
  return await told(await lockFile(path, () => void waiting(), signal), path, doing);
}

/** The lock of {@linkcode lockVm} if it is free right now. */
export async function tryLockVm(
  runtimeDir: string,
  name: string,
  doing: Doing,
): Promise<AsyncDisposable | undefined> {
  const path = runtimeLock(runtimeDir, "vm", name);
  const lock = await tryLockFile(path);
  return lock && await told(lock, path, doing);
}

/** What another pim does with a VM right now, if one does. */
export async function doingNow(runtimeDir: string, name: string): Promise<Doing | undefined> {
  const path = runtimeLock(runtimeDir, "vm", name);
  return await isLocked(path) ? await readDoing(path) : undefined;
}

async function told(lock: AsyncDisposable, path: string, doing: Doing): Promise<AsyncDisposable> {
  try {
    await Deno.writeTextFile(path, doing);
    return lock;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function readDoing(path: string): Promise<Doing> {
  const text = await readTextIfThere(path);
  // Whoever has just taken it may not have written yet.
  return text !== undefined && all.includes(text) ? text as Doing : "starting";
}
