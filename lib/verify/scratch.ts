import { join } from "node:path";
import { exists, lockFile, removeIfThere, tryLockFile } from "../files.ts";
import { verifyDir } from "../paths.ts";
import type { VmPlaces } from "../vm/places.ts";
import { stopVm } from "../vm/stop.ts";
import type { VerifyPlaces } from "./boot.ts";

const lockName = "lock";

/** A folder for the machines of one verification; disposing of it removes it. */
export interface Scratch extends AsyncDisposable {
  readonly places: VerifyPlaces;
}

/**
 * Makes a folder for the machines of one verification, away from the user's VMs, and clears away what a pim that was
 * killed has left of others.
 *
 * @param what names the image, in the name of the machine
 */
export async function openScratch(places: VmPlaces, what: string): Promise<Scratch> {
  const root = verifyDir(places.cacheDir);
  await removeStale(places, root);
  const vmName = `verify-${what.slice(0, 40)}-${Deno.pid}`;
  const dir = join(root, vmName);
  const lock = await lockFolder(dir);
  return {
    places: { ...places, vmsDir: dir, vmName },
    async [Symbol.asyncDispose]() {
      await removeIfThere(dir);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Takes the lock of a new folder, and makes it anew when another pim was quicker and took it for a stale one. */
async function lockFolder(dir: string): Promise<AsyncDisposable> {
  const path = join(dir, lockName);
  for (;;) {
    const lock = await lockFile(path);
    if (await exists(path)) return lock;
    await lock[Symbol.asyncDispose]();
  }
}

async function removeStale(places: VmPlaces, root: string): Promise<void> {
  if (!(await exists(root))) return;
  for await (const { name } of Deno.readDir(root)) {
    const dir = join(root, name);
    await using lock = await tryLockFile(join(dir, lockName));
    if (lock === undefined) continue;
    await stopVm({ runtimeDir: places.runtimeDir, vmsDir: dir }, name, { force: true });
    await removeIfThere(dir);
  }
}
