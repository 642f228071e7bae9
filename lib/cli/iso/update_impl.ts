import { CancelledError, messageOf, PimError, UsageError } from "../../errors.ts";
import { getIso } from "../../iso/catalog/catalog.ts";
import { writtenEntries, type WrittenEntry } from "../../iso/catalog/entry_file.ts";
import { findUpdate, type Update, writeUpdate } from "../../iso/catalog/update.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { countOf } from "../count.ts";
import { canAsk, confirm } from "../terminal/prompt.ts";
import type { UpdateFlags } from "./update.ts";

/** `pim iso update KEY…|--all`; one that fails does not keep the others from their turn. */
export async function update(this: PimContext, flags: UpdateFlags, ...keys: string[]): Promise<void> {
  const config = await this.config();
  const chosen = choose(await writtenEntries(config.folders), flags.all, keys);
  const updates: Update[] = [];
  const failures: PimError[] = [];
  for (const entry of chosen) {
    try {
      const found = await findUpdate(entry, { signal: this.signal, keys: config });
      updates.push(found);
      if (!flags.json) this.print(updateText(found));
    } catch (error) {
      if (!(error instanceof PimError) || error instanceof CancelledError || chosen.length === 1) throw error;
      log.warn(messageOf(error));
      failures.push(error);
    }
  }
  const written = await write(this, updates.filter(({ changes }) => changes.length > 0), flags);
  if (flags.json) {
    this.print(
      JSON.stringify(updates.map((each) => ({ ...each, written: written.includes(each) })), null, 2),
    );
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new PimError(`${failures.length} of ${chosen.length} ISOs failed; the warnings above say why`, {
    exitCode: first.exitCode,
    hint: first.hint,
  });
}

function choose(
  entries: readonly WrittenEntry[],
  all: boolean,
  keys: readonly string[],
): readonly WrittenEntry[] {
  if (all === keys.length > 0) {
    throw new UsageError("Which ISOs? Name some, or say --all", {
      hint: "See what there is with: pim iso list",
    });
  }
  if (!all) return keys.map((key) => getIso(key, entries));
  const chosen = entries.filter(({ merged }) => merged.release !== undefined);
  if (chosen.length > 0) return chosen;
  throw new UsageError("No ISO of the catalog says where newer releases are", {
    hint: "Give it a `release` with `url` and `pattern` in isos.d, or add one that has it: pim iso search",
  });
}

function updateText({ key, file, current, newest, changes }: Update): string {
  if (changes.length === 0) return `${key}: ${current} is the newest`;
  const lines = changes.flatMap(({ path, from, to }) => [
    `  ${path.join(".")}:`,
    `    - ${from}`,
    `    + ${to}`,
  ]);
  return [`${key}: ${current} -> ${newest} (${file})`, ...lines].join("\n");
}

/** Writes the updates, if that is wanted. */
async function write(
  context: PimContext,
  updates: readonly Update[],
  flags: UpdateFlags,
): Promise<readonly Update[]> {
  if (updates.length === 0) return [];
  const entries = updates.length === 1 ? "1 entry" : `${updates.length} entries`;
  const wanted = flags.yes ||
    (canAsk(context) && await confirm(context, `Change ${entries} in isos.d?`, true));
  if (!wanted) {
    const keys = flags.all ? "--all" : updates.map(({ key }) => key).join(" ");
    log.info(
      `${countOf(updates.length, "update")} available, nothing written; type: pim iso update ${keys} --yes`,
    );
    return [];
  }
  for (const each of updates) await writeUpdate(each);
  log.info(`Changed ${entries}; download with: pim iso download ${updates.map(({ key }) => key).join(" ")}`);
  return updates;
}
