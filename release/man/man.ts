// `deno task man [FOLDER]`: writes the manual pages, made from the command tree, to dist/man or to FOLDER. To read one:
// man -l dist/man/man1/pim-build.1
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { commandTree } from "../../lib/cli/app.ts";
import { writeText } from "../../lib/output.ts";
import { version } from "../../lib/version.ts";
import { manualPages } from "./pages.ts";

const folder = Deno.args[0] ?? fileURLToPath(new URL("../../dist/man", import.meta.url));

/** When the pages were made; SOURCE_DATE_EPOCH makes the same pages of the same source (reproducible-builds.org). */
function madeAt(): Date {
  const seconds = Number(Deno.env.get("SOURCE_DATE_EPOCH"));
  return seconds > 0 ? new Date(seconds * 1000) : new Date();
}

const pages = manualPages(commandTree, { version, date: madeAt().toISOString().slice(0, 10) });
await Deno.mkdir(join(folder, "man1"), { recursive: true });
for (const [name, page] of pages) await Deno.writeTextFile(join(folder, "man1", name), page);
writeText(Deno.stdout, `${pages.size} manual pages written to ${join(folder, "man1")}\n`);
