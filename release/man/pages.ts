import type { Command, RouteMap } from "@stricli/core";
import { hasExamples } from "../../lib/cli/command.ts";
import type { PimContext } from "../../lib/cli/context.ts";
import { usageLines } from "../../lib/cli/help/command_help.ts";
import { widestLine } from "../../lib/cli/help/sections.ts";
import { globalFlags } from "../../lib/cli/help/global.ts";
import { describeArguments, type Described, describeFlags } from "../../lib/cli/help/parameters.ts";
import { groupCommands } from "../../lib/cli/help/root_help.ts";
import { topics } from "../../lib/cli/help/topics.ts";
import { entriesOf, isRouteMap, type Target } from "../../lib/cli/help/tree.ts";
import * as roff from "./roff.ts";

/** What is the same on all pages. */
export interface Edition {
  readonly version: string;
  /** yyyy-mm-dd */
  readonly date: string;
}

/** The manual pages of a command tree by their file names: pim.1, and one for each command or group below it. */
export function manualPages(root: RouteMap<PimContext>, edition: Edition): ReadonlyMap<string, string> {
  const pages = new Map([["pim.1", rootPage(root, edition)]]);
  const groups = groupCommands(root).map(({ rows }) => rows.map(({ term }) => pageOf(term)));
  for (const { name, target } of entriesOf(root)) {
    const page = pageOf(name);
    const near = groups.find((group) => group.includes(page)) ?? [];
    const others = ["pim", ...near.filter((each) => each !== page)];
    pages.set(`${page}.1`, commandPage(page, target, others, edition));
  }
  return pages;
}

function rootPage(root: RouteMap<PimContext>, edition: Edition): string {
  const commands = groupCommands(root).flatMap(({ title, rows }) =>
    roff.subsection(
      title,
      rows.flatMap(({ term, brief }) => [".TP", roff.reference(pageOf(term), true), roff.text(brief)]),
    )
  );
  return write(edition, "pim", root.brief, [
    roff.section("SYNOPSIS", [`${roff.bold("pim")} \\fICOMMAND\\fP [\\fIFLAGS\\fP] [\\fIARGUMENTS\\fP]`]),
    roff.section("DESCRIPTION", roff.paragraphs(root.fullDescription ?? root.brief)),
    roff.section("COMMANDS", commands),
    roff.section("OPTIONS", flagItems([...globalFlags, helpFlag, versionFlag])),
    exitStatus,
    roff.section(
      "ENVIRONMENT",
      topics.environment.rows.flatMap(({ term, brief }) => roff.item(roff.bold(term), brief)),
    ),
    roff.section("FILES", [
      "Below the configuration folder of the user, and below that of a project, which comes first:",
      ...topics.files.rows.flatMap(({ term, brief }) => roff.item(`\\fI${roff.text(term)}\\fP`, brief)),
    ]),
    seeAlso(["pim-help", "pim-init", "pim-build", "pim-run", "pim-deploy"]),
  ]);
}

function commandPage(page: string, target: Target, others: readonly string[], edition: Edition): string {
  const name = page.replace("-", " ");
  const common = roff.section("OPTIONS OF EVERY COMMAND", flagItems([...globalFlags, helpFlag]));
  const end = [common, exitStatus, seeAlso(others)];
  if (!isRouteMap(target)) {
    return write(edition, page, target.brief, [
      roff.section("SYNOPSIS", synopsis(target, name)),
      roff.section("DESCRIPTION", roff.paragraphs(target.fullDescription ?? target.brief)),
      roff.section("OPTIONS", flagItems(describeFlags(target.parameters))),
      roff.section("ARGUMENTS", argumentItems(target)),
      roff.section("EXAMPLES", exampleItems(target)),
      ...end,
    ]);
  }
  const commands = entriesOf(target).flatMap((entry) =>
    isRouteMap(entry.target) ? [] : [{ name: `${name} ${entry.name}`, command: entry.target }]
  );
  return write(edition, page, target.brief, [
    roff.section("SYNOPSIS", lines(commands.map(({ name, command }) => synopsis(command, name)))),
    roff.section("DESCRIPTION", roff.paragraphs(target.fullDescription ?? `${target.brief}.`)),
    roff.section("COMMANDS", commands.flatMap(({ name, command }) => subcommand(name, command))),
    ...end,
  ]);
}

/** What a group's page says of one of its commands. */
function subcommand(name: string, command: Command<PimContext>): roff.Lines {
  const examples = exampleItems(command);
  return roff.subsection(name, [
    ...roff.paragraphs(command.fullDescription ?? command.brief),
    ...flagItems(describeFlags(command.parameters)),
    ...argumentItems(command),
    ...(examples.length === 0 ? [] : [".PP", "Such as:", ...examples]),
  ]);
}

function synopsis(command: Command<PimContext>, name: string): roff.Lines {
  return lines(
    usageLines(command, name, widestLine).map((
      usage,
    ) => [roff.bold(name) + roff.text(usage.slice(name.length))]),
  );
}

/** Each on a line of its own. */
function lines(parts: readonly roff.Lines[]): roff.Lines {
  return parts.flatMap((part, index) => index === 0 ? part : [".br", ...part]);
}

function flagItems(flags: readonly Described[]): roff.Lines {
  return flags.flatMap(({ term, brief }) => roff.item(roff.flag(term), brief));
}

function argumentItems(command: Command<PimContext>): roff.Lines {
  return describeArguments(command.parameters).flatMap(({ term, brief }) =>
    roff.item(`\\fI${roff.text(term)}\\fP`, brief)
  );
}

function exampleItems(command: Command<PimContext>): roff.Lines {
  if (!hasExamples(command)) return [];
  return Object.entries(command.examples).flatMap(([line, brief]) => roff.item(roff.bold(line), brief));
}

const helpFlag = { term: "-h, --help", brief: "Print help" };
const versionFlag = { term: "-v, --version", brief: "Print the version" };

const exitStatus = roff.section(
  "EXIT STATUS",
  topics["exit-codes"].rows.flatMap(({ term, brief }) => roff.item(roff.bold(term), brief)),
);

function seeAlso(pages: readonly string[]): roff.Lines {
  return roff.section(
    "SEE ALSO",
    pages.map((page, index) => roff.reference(page, index === pages.length - 1)),
  );
}

function pageOf(command: string): string {
  return `pim-${command}`;
}

function write(edition: Edition, page: string, brief: string, sections: readonly roff.Lines[]): string {
  return [
    roff.title(page, edition.date, `pim ${edition.version}`),
    ...roff.section("NAME", [`${roff.text(page)} \\- ${roff.text(brief)}`]),
    ...sections.flat(),
    "",
  ].join("\n");
}
