import type { PimCommand } from "../command.ts";
import { describeArguments, type Described, describeFlags } from "./parameters.ts";
import { columns, section } from "./sections.ts";

type Documented = Omit<PimCommand, "formatHelp" | "loader">;
type Format = Parameters<PimCommand["formatHelp"]>[0];

/** What `--help` prints for a command. */
export function commandHelp(command: Documented, format: Format): string {
  const { brief, fullDescription = brief, examples, parameters } = command;
  return [
    ...section("USAGE", usageLines(command, format), format).slice(1),
    "",
    fullDescription,
    ...section("FLAGS", columns([...describeFlags(parameters), helpFlag], format), format),
    ...section("ARGUMENTS", columns(describeArguments(parameters), format), format),
    ...section("EXAMPLES", columns(exampleRows(examples), format), format),
    "",
  ].join("\n");
}

/** The ways to type a command. */
export function usageLines(
  { customUsage, formatUsageLine }: Pick<PimCommand, "customUsage" | "formatUsageLine">,
  format: Parameters<PimCommand["formatUsageLine"]>[0],
): readonly string[] {
  return customUsage?.map((usage) => `${format.prefix.join(" ")} ${usage}`) ?? [formatUsageLine(format)];
}

/** Examples as rows of a help text. */
export function exampleRows(examples: PimCommand["examples"]): Described[] {
  return Object.entries(examples).map(([term, brief]) => ({ term, brief }));
}

const helpFlag: Described = { term: "-h, --help", brief: "Print this" };
