import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, PimError } from "../../errors.ts";
import { ProcessError, run } from "../../process.ts";
import { becomeRoot } from "../../sudo.ts";
import { mountAt } from "./mount_table.ts";

/** Unmounts what root has mounted at a folder of pim's, and removes the folder. */
export async function unmountAsRoot(device: string, folder: string, signal?: AbortSignal): Promise<void> {
  const root = await becomeRoot(`Unmounting ${device} takes root's rights`, signal);
  await patiently(device, async () => {
    // What the stick has not yet been given is written by the unmount itself; a stick that is gone must not stop it.
    if (await mountAt(folder) !== undefined) await run(root(["umount", folder]));
  }, async () => await run(root(["umount", "--lazy", folder])));
  await Deno.remove(folder).catch(() => {});
}

const tries = 20;
const pauseMs = 250;

/** Unmounts as soon as nobody is in it any more; a stick that has been pulled out is let go of. */
export async function patiently(
  device: string,
  unmount: () => Promise<unknown>,
  letGo?: () => Promise<unknown>,
): Promise<void> {
  for (let left = tries;; left--) {
    try {
      await unmount();
      return;
    } catch (error) {
      if (!(error instanceof ProcessError)) throw error;
      const busy = /busy/i.test(error.stderr);
      if (busy && left > 1) {
        await sleep(pauseMs);
        continue;
      }
      if (!busy && letGo !== undefined) return void await letGo();
      throw new PimError(`Cannot unmount ${device}: ${messageOf(error)}`, {
        cause: error,
        hint: "Close what uses it (see: fuser -vm), then unmount it by hand before you pull it out.",
      });
    }
  }
}
