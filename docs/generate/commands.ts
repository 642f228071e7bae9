import type { Command, RouteMap } from "@stricli/core";
import { buildApp } from "../../lib/cli/app.ts";
import type { PimContext } from "../../lib/cli/context.ts";
import { table } from "./table.ts";

type Target = Command<PimContext> | RouteMap<PimContext>;

/** The command tree, as pim itself has it. */
export const commandTree: RouteMap<PimContext> = buildApp({ debug: false }).root as RouteMap<PimContext>;

/** Every command and what it is for. */
export function commandTable(): string {
  const rows = visible(commandTree).flatMap(([name, target]) =>
    "getAllEntries" in target
      ? visible(target).map(([sub, { brief }]) => [`\`pim ${name} ${sub}\``, brief])
      : [[`\`pim ${name}\``, target.brief]]
  );
  return table(["command", "what it does"], rows);
}

function visible(map: RouteMap<PimContext>): [string, Target][] {
  return map.getAllEntries().filter(({ hidden }) => !hidden).map((
    { name, target },
  ) => [name.original, target]);
}
