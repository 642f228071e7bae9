import { UsageError } from "../../errors.ts";
import { loadCatalog } from "../../iso/catalog/catalog.ts";
import { pruneIsos } from "../../iso/prune.ts";
import type { PimContext } from "../context.ts";
import { countOf } from "../count.ts";
import type { PruneFlags } from "./remove.ts";

/** `pim iso prune` */
export async function prune(this: PimContext, flags: PruneFlags): Promise<void> {
  const { folders, settings } = await this.config();
  const entries = await loadCatalog(folders);
  if (entries.length === 0) {
    // Somebody who is in the wrong folder must not lose every ISO.
    throw new UsageError("There are no ISOs in the catalog, so it cannot tell which files are not needed", {
      hint: "Go to the folder of your project, or name it: pim iso prune --project DIR",
    });
  }
  const { olderThan, dryRun } = flags;
  const { removed, busy, freedBytes } = await pruneIsos(entries, settings.iso.iso_dir, {
    olderThanMs: olderThan,
    dryRun,
  });
  if (flags.json) return this.print(JSON.stringify({ removed, busy, freedBytes, dryRun }, null, 2));
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  for (const { name, bytes } of removed) {
    this.print(`${dryRun ? "would remove" : "removed"} ${name}: ${size(bytes)}`);
  }
  for (const name of busy) this.print(`${name} stays: it is being downloaded`);
  this.print(
    removed.length === 0
      ? "There is nothing to remove."
      : `${countOf(removed.length, "ISO")}, ${size(freedBytes)}.`,
  );
}
