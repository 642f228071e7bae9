import { commandTree } from "../../lib/cli/app.ts";
import { entriesOf, isRouteMap, type Target } from "../../lib/cli/help/tree.ts";
import { table } from "./table.ts";

/** Every command and what it is for. */
export function commandTable(): string {
  return table(["command", "what it does"], rowsBelow(commandTree, "pim"));
}

function rowsBelow(target: Target, name: string): string[][] {
  if (!isRouteMap(target)) return [[`\`${name}\``, target.brief]];
  return entriesOf(target).flatMap((each) => rowsBelow(each.target, `${name} ${each.name}`));
}
