import { messageOf } from "../../errors.ts";
import { removeIfThere } from "../../files.ts";
import { log } from "../../log.ts";
import type { QmpClient } from "../../qemu/qmp.ts";

/** Puts a picture of a machine's display into a file, where that is possible: QEMU 7.1 has PNG, and has to be alive. */
export async function takePicture(qmp: QmpClient, path: string): Promise<void> {
  try {
    await qmp.execute("screendump", { filename: path, format: "png" }, { timeoutMs: 5000 });
  } catch (error) {
    log.debug(`No picture of the display: ${messageOf(error)}`);
    await removeIfThere(path);
  }
}
