import { UsageError } from "../../errors.ts";
import { searchKnown } from "../../iso/catalog/known/find_known.ts";
import type { PimContext } from "../context.ts";
import { table } from "../table.ts";
import type { SearchFlags } from "./search.ts";

/** `pim iso search [WORD…]` */
// deno-lint-ignore require-await -- commands are asynchronous
export async function search(this: PimContext, flags: SearchFlags, ...words: string[]): Promise<void> {
  const found = searchKnown(words, flags.arch);
  if (flags.json) {
    return this.print(JSON.stringify(
      found.map(({ key, family, fields, sources, note }) => ({ key, family, ...fields, sources, note })),
      null,
      2,
    ));
  }
  if (found.length === 0) {
    throw new UsageError(`pim knows no ISO with ${words.join(" and ")}`, {
      hint: "See all of them with: pim iso search. Any other one is added by its URL: pim iso add URL",
    });
  }
  this.print(table(
    ["KEY", "ARCH", "SIGNED", "NAME"],
    found.map(({ key, architecture, fields }) => [
      key,
      architecture,
      fields.signature_url === undefined ? "no" : "yes",
      fields.name ?? "",
    ]),
  ));
}
