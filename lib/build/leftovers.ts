import { join } from "node:path";
import { exists, removeIfThere } from "../files.ts";
import { ensureRuntimeDir, type Paths, runtimeFiles } from "../paths.ts";
import { connectQmp } from "../qemu/qmp.ts";
import { QmpTimeoutError, within } from "../qemu/qmp_error.ts";
import type { BuildFolder } from "./workspace.ts";

/**
 * Removes all that a build which no longer runs has left. After a failure that is a folder; after a pim that was killed
 * also the beginning of an image, the sockets, and the QEMU that went on without it.
 */
export async function removeLeftovers(folder: BuildFolder, paths: Paths, imageDir: string): Promise<void> {
  const runtime = runtimeFiles(await ensureRuntimeDir(paths), folder.name);
  await quitMachine(runtime.qmp);
  for (const file of Object.values(runtime)) await removeIfThere(file);
  await removeIfThere(partOfImage(imageDir, folder.name));
  await removeIfThere(folder.dir);
}

/** Where an image is written until it is whole. */
export function partOfImage(imageDir: string, name: string): string {
  return join(imageDir, `${name}.qcow2.part`);
}

const quitMs = 5000;

async function quitMachine(qmpSocket: string): Promise<void> {
  if (!(await exists(qmpSocket))) return;
  try {
    await using qmp = await connectQmp(qmpSocket, { timeoutMs: 2000 });
    await qmp.execute("quit");
    await within(qmp.closed, quitMs, () => new QmpTimeoutError(`QEMU hangs at its end: ${qmpSocket}`));
  } catch {
    // Nobody listens on it any more, it went before it could answer, or it hangs at its very end, with its disks closed.
  }
}
