import { basename } from "node:path";
import { UsageError } from "../../errors.ts";
import { log } from "../../log.ts";
import { userPaths } from "../../paths.ts";
import { type VmFacts, vmFacts } from "../../vm/facts.ts";
import { vmDirs } from "../../vm/places.ts";
import { describeCrash } from "../../vm/remains.ts";
import { type Survey, surveyVm, surveyVms } from "../../vm/survey.ts";
import { findVm } from "../../vm/vms.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import type { PsFlags } from "./list.ts";
import { uptimeFormat } from "./uptime.ts";

// A list should not wait for one that hangs.
const stateTimeoutMs = 500;

/** `pim ps` */
export async function ps(this: PimContext, flags: PsFlags): Promise<void> {
  const survey = await surveyVms(await vmDirs(userPaths(this.env)), stateTimeoutMs);
  const shown = survey.vms.filter(({ state }) => flags.all || state !== "stopped");
  const facts = await Promise.all(shown.map((each) => vmFacts(each, { withDisk: flags.all })));
  if (flags.json) this.print(JSON.stringify(facts, null, 2));
  else if (facts.length > 0) this.print(await psTable(facts, flags.all));
  else {
    const stopped = survey.vms.length;
    this.print(`No VM is running.${stopped === 0 ? "" : ` Stopped: ${stopped}; see them with: pim ps -a`}`);
  }
  warn(survey);
}

function warn({ vms, crashes }: Survey): void {
  for (const { name, crash } of crashes) log.warn(describeCrash(name, crash));
  for (const { vm } of vms) {
    if (vm.problem !== undefined) log.warn(`${vm.name}: ${vm.problem}; see: pim status ${vm.name}`);
  }
}

async function psTable(facts: readonly VmFacts[], withDisk: boolean): Promise<string> {
  const [uptime, { default: prettyBytes }] = await Promise.all([
    uptimeFormat(),
    withDisk ? import("pretty-bytes") : { default: String },
  ]);
  return table(
    ["NAME", "STATE", "IMAGE", "MEMORY", "SSH", "UPTIME", ...(withDisk ? ["DISK"] : [])],
    facts.map((vm) => [
      vm.name,
      vm.state,
      imageName(vm),
      vm.memoryMiB === undefined ? "-" : `${vm.memoryMiB} MiB`,
      sshAddress(vm),
      vm.started === undefined ? "-" : uptime(vm.started),
      ...(withDisk ? [vm.diskBytes === undefined ? "-" : prettyBytes(vm.diskBytes, { binary: true })] : []),
    ]),
  );
}

function imageName({ image }: VmFacts): string {
  return image === undefined ? "-" : image.name ?? basename(image.path);
}

function sshAddress({ pid, network, sshPort }: VmFacts): string {
  if (pid === undefined) return "-";
  if (network === "bridged") return "bridged";
  return sshPort === undefined ? "-" : `127.0.0.1:${sshPort}`;
}

/** `pim status NAME` */
export async function status(this: PimContext, flags: JsonFlags, name: string): Promise<void> {
  const { vmStatus } = await import("../../vm/status.ts");
  const dirs = await vmDirs(userPaths(this.env));
  const survey = await surveyVm(dirs, await findVm(dirs, name), 2000);
  const [looked] = survey.vms;
  if (looked === undefined) {
    warn(survey);
    throw new UsageError(`The VM ${name} has ended, and nothing of it was to be kept`, {
      hint: "Start it anew with: pim run",
    });
  }
  const found = await vmStatus(dirs, looked, survey);
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  const { statusText } = await import("./status_text.ts");
  this.print(await statusText(found));
}
