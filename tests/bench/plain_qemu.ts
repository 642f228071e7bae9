import { join } from "node:path";
import { filesOfVm } from "../../lib/paths.ts";
import { removeIfThere } from "../../lib/files.ts";
import { formatArgv, startDetached } from "../../lib/process.ts";
import { createOverlay } from "../../lib/qemu/img.ts";
import { waitForBanner } from "../../lib/ssh/banner.ts";
import type { RunRecord } from "../../lib/vm/run_record.ts";

/** A guest that QEMU alone runs. */
export interface PlainGuest extends AsyncDisposable {
  /** From nothing but the image to the SSH banner. */
  readonly seconds: number;
}

/**
 * Does by hand what pim did in a start: a new overlay, QEMU with the same arguments, and a look at the port until SSH
 * answers, as pim looks.
 */
export async function startPlain(record: RunRecord): Promise<PlainGuest> {
  const { argv, definition, dir, sshPort } = record;
  await Deno.mkdir(dir, { recursive: true });
  const startedMs = performance.now();
  await createOverlay(filesOfVm(dir).disk, definition.image.path, {
    qemuImg: "qemu-img",
    baseFormat: definition.image.format,
  });
  // In a session of its own, as pim does: Linux shares out its processors by sessions (autogroup).
  const qemu = await startDetached(argv, { log: join(dir, "qemu.log") });
  const died = new AbortController();
  void qemu.ended.then(() => died.abort(new Error(`QEMU has ended: ${formatArgv(argv)}`)));
  const stop = async () => {
    if (!died.signal.aborted) Deno.kill(qemu.pid, "SIGKILL");
    await qemu.ended;
    await removeIfThere(dir);
  };
  try {
    await waitForBanner({
      host: "127.0.0.1",
      port: sshPort ?? 0,
      deadlineMs: 600_000,
      signal: died.signal,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { seconds: (performance.now() - startedMs) / 1000, [Symbol.asyncDispose]: stop };
}
