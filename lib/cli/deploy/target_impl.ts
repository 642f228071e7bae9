import { getTarget, loadTargets, type NamedTarget } from "../../deploy/load_targets.ts";
import type { TargetCheck } from "../../deploy/target.ts";
import { targetTypes } from "../../deploy/target_types.ts";
import { exitCode, messageOf, PimError, UsageError } from "../../errors.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import { hostTools } from "./host_tools.ts";

/** `pim target list` */
export async function list(this: PimContext, flags: JsonFlags): Promise<void> {
  const targets = await loadTargets((await this.config()).folders);
  const found = targets.map(({ name, type, brief, source }) => ({ name, type, brief, source }));
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  if (found.length > 0) {
    return this.print(
      table(["TARGET", "TYPE", "WHAT IT IS"], found.map((each) => [each.name, each.type, each.brief])),
    );
  }
  this.print("No targets yet. Describe one in targets.d, with one of these types:\n");
  this.print(table(["TYPE", "WHAT IT IS"], targetTypes.map(({ type, brief }) => [type, brief])));
}

/** `pim target show TARGET` */
export async function show(this: PimContext, flags: JsonFlags, name: string): Promise<void> {
  const { type, settings, source, verify } = getTarget(
    name,
    await loadTargets((await this.config()).folders),
  );
  if (flags.json) {
    return this.print(JSON.stringify({ target: name, type, source, verify, settings }, null, 2));
  }
  const rows = Object.entries({ target: name, type, ...settings, verify }).map(([key, value]) => [
    key,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
  this.print(table(["SETTING", "VALUE"], [...rows, ["(from)", source]]));
}

/** `pim target check [TARGET…]` */
export async function check(this: PimContext, flags: JsonFlags, ...names: string[]): Promise<void> {
  const all = await loadTargets((await this.config()).folders);
  const chosen = names.length === 0 ? all : names.map((name) => getTarget(name, all));
  if (chosen.length === 0) {
    throw new UsageError("There is no target to check", {
      hint:
        "Describe one in targets.d: targets.yml, which `pim init` writes there, has examples of each type.",
    });
  }
  const results: (TargetCheck & { readonly target: string })[] = [];
  for (const target of chosen) {
    for (const each of await checkOne(this, target)) results.push({ target: target.name, ...each });
  }
  if (flags.json) this.print(JSON.stringify(results, null, 2));
  else {
    this.print(table(
      ["TARGET", "CHECK", "RESULT", "DETAIL"],
      results.map(({ target, name, ok, detail }) => [target, name, ok ? "ok" : "problem", detail]),
    ));
  }
  const problems = results.filter(({ ok }) => !ok);
  const [first] = problems;
  if (first === undefined) return;
  const bad = new Set(problems.map(({ target }) => target));
  if (bad.size > 1) {
    throw new PimError(`${bad.size} of ${chosen.length} targets cannot be used: ${[...bad].join(", ")}`, {
      exitCode: exitCode.deploy,
      hint: `To know what to do about one of them: pim target check ${first.target}`,
    });
  }
  throw new PimError(`The target ${first.target} cannot be used: ${first.detail}`, {
    exitCode: exitCode.deploy,
    hint: first.hint,
  });
}

async function checkOne(context: PimContext, target: NamedTarget): Promise<readonly TargetCheck[]> {
  try {
    await using opened = target.open(hostTools(context));
    return await opened.check({ verify: target.verify });
  } catch (error) {
    if (!(error instanceof PimError) || context.signal.aborted) throw error;
    return [{ name: "settings", ok: false, detail: messageOf(error), hint: error.hint }];
  }
}
