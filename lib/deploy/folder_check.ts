import { dirname, join } from "node:path";
import { messageOf } from "../errors.ts";
import { exists, removeIfThere } from "../files.ts";
import type { TargetCheck } from "./target.ts";

/** Looks whether files can be written to a folder, or to the nearest one above it that is there. */
export async function checkFolder(folder: string): Promise<TargetCheck> {
  let here = folder;
  try {
    while (!await exists(here) && here !== dirname(here)) here = dirname(here);
    const probe = join(here, `.pim-${crypto.randomUUID().slice(0, 8)}`);
    await Deno.writeTextFile(probe, "");
    await removeIfThere(probe);
    return { name: "folder", ok: true, detail: `${folder} can be written` };
  } catch (error) {
    const detail = `${here} cannot be written: ${messageOf(error)}`;
    return { name: "folder", ok: false, detail, hint: "Choose another path in targets.d." };
  }
}
