import { CancelledError, UsageError } from "../../errors.ts";
import { getIso } from "../../iso/catalog/catalog.ts";
import { writtenEntries } from "../../iso/catalog/entry_file.ts";
import { removeIso } from "../../iso/remove.ts";
import type { PimContext } from "../context.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import type { RemoveFlags } from "./remove.ts";

/** `pim iso remove KEY…` */
export async function remove(this: PimContext, flags: RemoveFlags, ...keys: string[]): Promise<void> {
  const { folders, settings } = await this.config();
  const entries = await writtenEntries(folders);
  const chosen = [...new Set(keys)].map((key) => getIso(key, entries));
  const what = chosen.map(({ key, file }) => `${key} (${file})`).join(", ");
  if (!flags.yes && !canAsk(this)) {
    throw new UsageError(`Whether to remove ${what} cannot be asked here`, {
      hint: `Type: pim iso remove ${keys.join(" ")} --yes`,
    });
  }
  if (!flags.yes && !(await confirm(this, `Remove ${what}?`, false))) throw new CancelledError();
  const { default: prettyBytes } = await import("pretty-bytes");
  for (const entry of chosen) {
    const { key, file, removed, freedBytes } = await removeIso(
      entry,
      { folders, isoDir: settings.iso.iso_dir },
      { keepFile: flags.keepFile },
    );
    const freed = removed.length === 0 ? "" : `, with ${prettyBytes(freedBytes, { binary: true })}`;
    this.print(`Removed ${key} from ${file}${freed}`);
  }
}
