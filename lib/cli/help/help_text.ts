import type { RouteMap } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { commandHelp } from "./command_help.ts";
import { rootHelp } from "./root_help.ts";
import { columns, paragraphs, section, type Style } from "./sections.ts";
import { isRouteMap, rowsOf, type Target } from "./tree.ts";

/**
 * What `--help` prints for pim, a group of commands or a command.
 *
 * @param names its name: "pim" and the words that follow it
 */
export function helpText(target: Target, names: readonly string[], style: Style): string {
  if (!isRouteMap(target)) return commandHelp(target, names.join(" "), style);
  return names.length === 1 ? rootHelp(target, style) : groupHelp(target, names, style);
}

function groupHelp(group: RouteMap<PimContext>, names: readonly string[], style: Style): string {
  const name = names.join(" ");
  return [
    ...section("USAGE", [`${name} COMMAND [FLAGS] [ARGUMENTS]`], style).slice(1),
    "",
    paragraphs(group.fullDescription ?? group.brief, style),
    ...section("COMMANDS", columns(rowsOf(group), style), style),
    "",
    `For more: ${name} COMMAND --help`,
  ].join("\n");
}
