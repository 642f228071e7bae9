import assert from "node:assert/strict";
import { type Command, run } from "@stricli/core";
import { buildApp } from "../../../lib/cli/app.ts";
import { hasExamples } from "../../../lib/cli/command.ts";
import { splitBashLine } from "../../../lib/cli/complete/bash_line.ts";
import { createContext, type PimContext } from "../../../lib/cli/context.ts";
import { joinFlagValues } from "../../../lib/cli/flag_values.ts";
import { takeGlobalFlags } from "../../../lib/cli/global_flags.ts";
import { helpText } from "../../../lib/cli/help/help_text.ts";
import { describeArguments, describeFlags } from "../../../lib/cli/help/parameters.ts";
import { commandGroups } from "../../../lib/cli/help/root_help.ts";
import { isRouteMap, type Target } from "../../../lib/cli/help/tree.ts";
import { keepPassedOn } from "../../../lib/cli/passed_on.ts";
import { readSources } from "../../sources.ts";

const app = buildApp({ debug: false });

/** Every command of the tree, hidden ones too, by its words. */
function commandsBelow(target: Target, words: readonly string[] = []): [string, Command<PimContext>][] {
  if (!isRouteMap(target)) return [[words.join(" "), target]];
  return target.getAllEntries().flatMap(({ name, target: below }) =>
    commandsBelow(below, [...words, name["convert-camel-to-kebab"]])
  );
}

const commands = commandsBelow(app.root);

/** What pim says of a command line that is wrong; the command itself does not run. */
async function complaint(line: string, name: string, command: Command<PimContext>): Promise<string> {
  const [program, ...typed] = splitBashLine(line).words;
  const end = typed.findIndex((word) => word === ">" || word === "|");
  const { rest } = takeGlobalFlags(keepPassedOn(end === -1 ? typed : typed.slice(0, end)), undefined);
  const words = joinFlagValues(rest);
  const depth = name.split(" ").length;
  if (program !== "pim" || words.slice(0, depth).join(" ") !== name) return `it is no line of pim ${name}`;
  let said = "";
  let reached = false;
  const output = { write: (text: string) => void (said += text), getColorDepth: () => 1 };
  const context = {
    ...createContext({ signal: new AbortController().signal, quiet: true }),
    process: { stdout: output, stderr: output },
  };
  const loader = () => Promise.resolve(() => void (reached = true));
  await run({ ...app, root: { ...command, loader } }, words.slice(depth), context);
  return reached ? "" : said || "it does not reach the command";
}

Deno.test("every command has one to three examples, given as `examples` in its docs (lib/cli/command.ts)", () => {
  const without = commands.filter(([, command]) => {
    const count = hasExamples(command) ? Object.keys(command.examples).length : 0;
    return count < 1 || count > 3;
  });
  assert.deepEqual(without.map(([name]) => name), []);
});

Deno.test("every example is a line that pim takes", async () => {
  const wrong: string[] = [];
  for (const [name, command] of commands) {
    for (const line of Object.keys(hasExamples(command) ? command.examples : {})) {
      const said = await complaint(line, name, command);
      if (said !== "") wrong.push(`${line}: ${said}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("an example with a flag that is not there, or with too little, would not pass", async () => {
  const [name, command] = commands.find(([each]) => each === "deploy run") ?? assert.fail();
  assert.equal(await complaint("pim deploy run web lab", name, command), "");
  assert.match(await complaint("pim deploy run web lab --dry", name, command), /--dry/);
  assert.match(await complaint("pim deploy run web", name, command), /PROFILE\|IMAGE TARGET/);
  assert.match(await complaint("pim deploy list", name, command), /no line of/);
});

Deno.test("every flag and argument says in capitals, or by its values, what it takes", () => {
  // ARG and VALUE are what stands for a placeholder that was forgotten.
  const unclear = commands.flatMap(([name, { parameters }]) =>
    [...describeFlags(parameters), ...describeArguments(parameters)]
      .filter(({ term, brief }) => brief === "" || /^\[?ARG\b| VALUE(\.\.\.)?$/.test(term))
      .map(({ term }) => `${name}: ${term}`)
  );
  assert.deepEqual(unclear, []);
});

Deno.test("every command is in a group of pim --help (commandGroups in lib/cli/help/root_help.ts)", () => {
  const grouped = Object.values(commandGroups).flat();
  const known = commands.map(([name]) => name.split(" ")[0] ?? "").filter((name) => name !== "complete");
  assert.deepEqual([...new Set(known)].filter((name) => !grouped.includes(name)), []);
  assert.deepEqual(grouped.filter((name) => !known.includes(name)), []);
});

Deno.test("every command is run by some test", async () => {
  const tests = (await readSources("tests")).filter(({ path }) => path !== "tests/cli/help/tree_test.ts");
  const isTyped = (name: string) => {
    const words = new RegExp(name.split(" ").map((word) => `"${word}"`).join(",\\s*"));
    return tests.some(({ code }) => words.test(code));
  };
  assert.deepEqual(commands.map(([name]) => name).filter((name) => !isTyped(name)), []);
});

Deno.test("help keeps within the width of a terminal, but for a long line to type", () => {
  for (const width of [110, 80]) {
    const wide = commands.flatMap(([name, command]) =>
      helpText(command, ["pim", ...name.split(" ")], { ansiColor: false, width })
        .split("\n")
        .filter((line) => line.length > width && !/^ +(pim |\[?-)/.test(line))
        .map((line) => `${name}: ${line}`)
    );
    assert.deepEqual(wide, []);
  }
});
