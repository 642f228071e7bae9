import assert from "node:assert/strict";
import { join } from "node:path";
import { topics } from "../../../lib/cli/help/topics.ts";
import { exitCode } from "../../../lib/errors.ts";
import { readSources, root } from "../../sources.ts";

Deno.test("pim help and the README name the exit codes that there are, in the same words", async () => {
  const { rows } = topics["exit-codes"];
  assert.deepEqual(rows.map(({ term }) => Number(term)), Object.values(exitCode));
  const readme = await Deno.readTextFile(join(root, "README.md"));
  const table = readme.split("\n").filter((line) => /^\| \d+ +\| /.test(line)).flatMap((line) =>
    [...line.matchAll(/\| (\d+) +\| ([^|]+?) +(?=\|)/g)].map(([, term = "", brief = ""]) => ({ term, brief }))
  );
  const sorted = table.sort((a, b) => Number(a.term) - Number(b.term));
  assert.deepEqual(sorted, rows);
});

Deno.test("pim help environment names the variables of pim that are read, and no other", async () => {
  const code = (await readSources("lib")).map((source) => source.code).join("\n");
  const read = [...code.matchAll(/"(PIM_[A-Z_]+)"/g)].map(([, name = ""]) => name);
  const told = topics.environment.rows.map(({ term }) => term).filter((term) => /^PIM_[A-Z_]+$/.test(term));
  assert.deepEqual([...new Set(read)].sort(), told.sort());
});
