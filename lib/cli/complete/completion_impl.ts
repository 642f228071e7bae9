import type { PimContext } from "../context.ts";
import type { Shell } from "./complete.ts";

/** `pim completion SHELL` */
export async function completion(this: PimContext, _: object, shell: Shell): Promise<void> {
  const script = await Deno.readTextFile(new URL(`./scripts/pim.${shell}`, import.meta.url));
  this.print(script.trimEnd());
}
