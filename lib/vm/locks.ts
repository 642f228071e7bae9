import { lockFile, tryLockFile } from "../files.ts";
import { log } from "../log.ts";
import { runtimeLock } from "../paths.ts";

/** Holds a VM's name while it is started, stopped or removed; waits for whoever does so now. */
export async function lockVm(
  runtimeDir: string,
  name: string,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const waiting = () => log.info(`Waiting for another pim that is starting or stopping ${name}`);
  return await lockFile(runtimeLock(runtimeDir, "vm", name), waiting, signal);
}

/** The lock of {@linkcode lockVm} if it is free right now. */
export async function tryLockVm(runtimeDir: string, name: string): Promise<AsyncDisposable | undefined> {
  return await tryLockFile(runtimeLock(runtimeDir, "vm", name));
}
