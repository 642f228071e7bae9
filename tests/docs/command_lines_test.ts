import assert from "node:assert/strict";
import { commandTree } from "../../lib/cli/app.ts";
import { globalFlags } from "../../lib/cli/help/global.ts";
import { flagNames } from "../../lib/cli/help/parameters.ts";
import { follow, isRouteMap, type Target } from "../../lib/cli/help/tree.ts";
import { offenders, readSources } from "../sources.ts";
import { documents } from "./documents.ts";

const commonFlags = [...globalFlags.map(({ name }) => name), "--help", "--version"];

/** The command lines of pim in code: those after a prompt, at the beginning of a line of a block, and in running text. */
function commandLines(text: string): string[] {
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].map(([, code = ""]) => code);
  const typed = blocks.join("").split("\n").flatMap((line) => /^(?:\$ )?(pim .*)$/.exec(line)?.[1] ?? []);
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "");
  return [
    ...typed,
    ...[...prose.matchAll(/`(pim [^`]+)`/g)].map(([, line = ""]) => line.replaceAll("\n", " ")),
  ]
    .map((line) => line.replaceAll(/'[^']*'/g, "WORD").replace(/\s+#.*$|\s*[|;>&].*$/, ""));
}

/** What is wrong with a command line, as the command tree has it; placeholders are in capitals. */
function problem(line: string): string | undefined {
  const words = line.split(/\s+/).slice(1).map((word) => word.replaceAll(/[[\]…]/g, ""));
  let target: Target = commandTree;
  while (isRouteMap(target) && /^[a-z]/.test(words[0] ?? "")) {
    const word = words.shift() ?? "";
    const below = follow(target, [word]);
    if (below === undefined) return `${line}: there is no command ${word}`;
    target = below;
  }
  const flags = isRouteMap(target) ? {} : target.parameters.flags ?? {};
  const known = [...commonFlags, ...Object.entries(flags).flatMap(([name, flag]) => flagNames(name, flag))];
  const own = words.includes("--") ? words.slice(0, words.indexOf("--")) : words;
  const wrong = own.flatMap((word) => /^--[a-z][a-z-]*/.exec(word)?.[0] ?? []).find((flag) =>
    !known.includes(flag)
  );
  return wrong === undefined ? undefined : `${line}: it has no flag ${wrong}`;
}

Deno.test("every command of pim that a document names is one, with flags that it has", async () => {
  const lines = (await documents()).flatMap(({ path, text }) =>
    commandLines(text).map((line) => ({ path, line }))
  );
  assert.ok(lines.length > 100, "command lines were not found");
  const wrong = lines.flatMap(({ path, line }) => {
    const why = problem(line);
    return why === undefined ? [] : [`${path}: ${why}`];
  });
  assert.deepEqual(wrong, []);
});

/** Commands of groups, such as `pim build run`, in the code of a file, and what is wrong with them. */
function commandProblems({ code }: { readonly code: string }): string[] {
  return [...code.matchAll(/\bpim ([a-z]+) [a-z]+/g)].flatMap(([line, group = ""]) => {
    const below = follow(commandTree, [group]);
    return below !== undefined && isRouteMap(below) ? problem(line) ?? [] : [];
  });
}

Deno.test("no message of pim's names a command that it does not have", async () => {
  assert.equal(commandProblems({ code: '"see: pim build list", "pim build and others"' }).length, 1);
  assert.deepEqual(offenders(await readSources("lib"), commandProblems), []);
});

Deno.test("a command or a flag that pim does not have is seen", () => {
  assert.match(problem("pim biuld run demo") ?? "", /no command biuld/);
  assert.match(problem("pim build run demo --verfy") ?? "", /no flag --verfy/);
  assert.equal(problem("pim build run PROFILE… --no-cache --debug"), undefined);
  assert.equal(problem("pim exec demo -- ls --color"), undefined);
});
