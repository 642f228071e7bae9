import { checkGroups, chooseGroups, examine, type Examined } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { HostError } from "../errors.ts";
import type { PimContext } from "./context.ts";
import { countOf } from "./count.ts";
import type { DoctorFlags } from "./doctor.ts";

/** `pim doctor [GROUP…]` */
export async function doctor(this: PimContext, flags: DoctorFlags, ...names: string[]): Promise<void> {
  const groups = chooseGroups(names);
  const { env, signal } = this;
  const all: Examined[] = [];
  for await (
    const examined of examine(groups, { env, signal, offline: flags.offline, config: () => this.config() })
  ) {
    if (!flags.json) this.print(`${all.length === 0 ? "" : "\n"}${groupText(examined)}`);
    all.push(examined);
  }
  const findings = all.flatMap(({ findings }) => findings);
  if (flags.json) this.print(json(all));
  const named = (result: Finding["result"]) => findings.filter((each) => each.result === result);
  const [problems, warnings] = [named("problem"), named("warning")];
  if (problems.length > 0) {
    if (!flags.json) this.print("");
    throw new HostError(
      `This host is not ready: ${countOf(problems.length, "problem")} (${
        problems.map(({ name }) => name).join(", ")
      }), ${countOf(warnings.length, "warning")}`,
    );
  }
  if (flags.json) return;
  const ready = groups.length === checkGroups.length ? "This host is ready" : "No problem was found";
  this.print(
    `\n${ready}: ${countOf(findings.length, "check")}, ${countOf(warnings.length, "warning")}.`,
  );
}

function json(all: readonly Examined[]): string {
  return JSON.stringify(
    all.flatMap(({ group, findings }) => findings.map((finding) => ({ group: group.name, ...finding }))),
    null,
    2,
  );
}

const resultWidth = "warning".length;

/** A group's findings as aligned lines, each with what to do below it. */
function groupText({ group, findings }: Examined): string {
  const nameWidth = Math.max(0, ...findings.map(({ name }) => name.length));
  const indent = " ".repeat(2 + resultWidth + 2 + nameWidth + 2);
  const below = (text: string, first: string) => text.replaceAll("\n", `\n${first}`);
  const lines = findings.flatMap((each) => [
    `  ${each.result.padEnd(resultWidth)}  ${each.name.padEnd(nameWidth)}  ${below(each.detail, indent)}`,
    ...(each.result === "ok" ? [] : [`${indent}→ ${below(each.fix, `${indent}  `)}`]),
  ]);
  return [group.title, ...lines].join("\n");
}
