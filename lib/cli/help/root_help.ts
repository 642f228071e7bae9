import type { RouteMap } from "@stricli/core";
import type { PimContext } from "../context.ts";
import { globalFlags } from "./global.ts";
import type { Described } from "./parameters.ts";
import { columns, indent, paragraphs, section, type Style, wrap } from "./sections.ts";
import { topics } from "./topics.ts";
import { rowsOf } from "./tree.ts";

/** Commands in the order in which one comes to need them. */
export const commandGroups: Readonly<Record<string, readonly string[]>> = {
  "SET UP": ["init", "doctor", "config", "profile", "completion", "help", "version"],
  "GET INSTALLERS": ["iso", "serve", "ventoy"],
  "BUILD IMAGES": ["build", "verify", "image"],
  "RUN VMS": ["run", "ps", "status", "log", "stop", "restart", "rm"],
  "USE VMS": ["ssh", "cp", "exec", "console", "screenshot", "ip", "os", "qmp", "ga"],
  "DEPLOY": ["deploy", "target"],
};

/** What `pim --help` prints. */
export function rootHelp(root: RouteMap<PimContext>, style: Style): string {
  const grouped = groupCommands(root);
  const exitCodes = topics["exit-codes"].rows.map(({ term, brief }) => `${term} ${brief}`);
  const common = [
    ...globalFlags,
    { term: "-h, --help", brief: "Print help: of pim, or of a command" },
    { term: "-v, --version", brief: "Print the version" },
  ];
  return [
    paragraphs(root.fullDescription ?? root.brief, style),
    ...section("USAGE", ["pim COMMAND [FLAGS] [ARGUMENTS]"], style),
    ...grouped.flatMap(({ title, rows }) => section(title, columns(rows, style), style)),
    ...section("FLAGS OF EVERY COMMAND", columns(common, style), style),
    ...section("EXIT CODES", wrap(exitCodes.join(", "), style.width - indent.length), style),
    "",
    "For more: pim help COMMAND, pim help environment, pim help files",
  ].join("\n");
}

/** The commands of a tree under the titles of their groups; what is in no group comes last. */
export function groupCommands(
  root: RouteMap<PimContext>,
): { readonly title: string; readonly rows: readonly Described[] }[] {
  const rows = new Map(rowsOf(root).map((row) => [row.term, row]));
  const groups = Object.entries(commandGroups).map(([title, names]) => ({
    title,
    rows: names.map((name) => rows.get(name)).filter((row) => row !== undefined),
  }));
  const known = Object.values(commandGroups).flat();
  const others = [...rows.values()].filter(({ term }) => !known.includes(term));
  return [...groups, { title: "OTHER COMMANDS", rows: others }].filter(({ rows }) => rows.length > 0);
}
