import type { Command } from "@stricli/core";
import { type Examples, hasExamples } from "../command.ts";
import type { PimContext } from "../context.ts";
import { describeArguments, type Described, describeFlags } from "./parameters.ts";
import { columns, indent, paragraphs, section, type Style } from "./sections.ts";

/** What `--help` prints for a command. */
export function commandHelp(command: Command<PimContext>, name: string, style: Style): string {
  const { brief, fullDescription = brief, parameters } = command;
  const examples = hasExamples(command) ? exampleRows(command.examples) : [];
  return [
    ...section("USAGE", usageLines(command, name, style.width - indent.length), style).slice(1),
    "",
    paragraphs(fullDescription, style),
    ...section("FLAGS", columns([...describeFlags(parameters), helpFlag], style), style),
    ...section("ARGUMENTS", columns(describeArguments(parameters), style), style),
    ...section("EXAMPLES", columns(examples, style), style),
  ].join("\n");
}

/** The ways to type a command; flags are told one by one where they fit into the width. */
export function usageLines(
  command: Command<PimContext>,
  name: string,
  width: number,
): readonly string[] {
  const custom = hasExamples(command) ? command.customUsage : undefined;
  if (custom !== undefined) return custom.map((usage) => `${name} ${usage}`);
  const usage = command.formatUsageLine({ prefix: [name], config: usageFormat, ansiColor: false });
  const terms = describeArguments(command.parameters).map(({ term }) => term);
  if (usage.length > width) return [[name, "[FLAGS]", ...terms].join(" ")];
  // stricli writes each argument of a list as if one were needed.
  const several = terms.find((term) => term.endsWith("...]"));
  return [usage.replaceAll(/[<>]/g, "").replace(several?.slice(1, -1) ?? "", several ?? "")];
}

const usageFormat = {
  caseStyle: "convert-camel-to-kebab",
  useAliasInUsageLine: false,
  onlyRequiredInUsageLine: false,
} as const;

/** Examples as rows of a help text. */
function exampleRows(examples: Examples): Described[] {
  return Object.entries(examples).map(([term, brief]) => ({ term, brief }));
}

const helpFlag: Described = { term: "-h, --help", brief: "Print this" };
