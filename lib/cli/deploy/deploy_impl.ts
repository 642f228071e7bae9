import { allActions, type PlannedAction, waitsForVerification } from "../../deploy/all_actions.ts";
import { deploy, lookAhead, removeDeployment } from "../../deploy/deploy.ts";
import { requireSameType, suits } from "../../deploy/former.ts";
import { deploymentOutput } from "../../deploy/output.ts";
import { getTarget, loadTargets, type NamedTarget, wantsVerification } from "../../deploy/load_targets.ts";
import { openDeployImage } from "../../deploy/open_image.ts";
import type { DeployImage } from "../../deploy/target.ts";
import { CancelledError, messageOf, PimError } from "../../errors.ts";
import { deploymentId, forgetDeployment, listDeployments } from "../../image/deployments.ts";
import { openRegistry } from "../../image/registry.ts";
import { registryFile } from "../../paths.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import type { DeployFlags, OutputFlags, RemoveFlags } from "./deploy.ts";
import { deployRenderer, warnOfFailure } from "./deploy_render.ts";
import { getDeployment } from "./find_deployment.ts";
import { hostTools } from "./host_tools.ts";

/** `pim deploy run PROFILE|IMAGE TARGET…` */
export async function run(
  this: PimContext,
  flags: DeployFlags,
  what: string,
  ...names: string[]
): Promise<void> {
  const { paths, folders, settings } = await this.config();
  const all = await loadTargets(folders);
  const targets = [...new Set(names)].map((name) => getTarget(name, all));
  const wanted = (target: NamedTarget) => wantsVerification(target, flags.verify);
  // Before anything is done: one of them may have been told what it cannot.
  targets.forEach(wanted);
  const image = await openDeployImage(
    what,
    { registryPath: registryFile(paths), imageDir: settings.build.image_dir },
    { force: flags.force, signal: this.signal },
  );
  if (flags.dryRun) return await printPlans(this, flags, image, targets);
  using renderer = await deployRenderer(this, flags.json);
  const failures: PimError[] = [];
  for (const target of targets) {
    try {
      const verifying = wanted(target)
        ? await (await import("./verifying.ts")).verifyingOf(this, image.entry)
        : undefined;
      const { where } = await deploy(target, image, {
        ...{ paths, tools: hostTools(this), force: flags.force, onEvent: renderer.show },
        ...(verifying !== undefined && { verifying }),
      });
      if (!flags.json) this.print(where);
    } catch (error) {
      if (!isForOneOf(targets, error)) throw error;
      renderer.fail(deploymentId(target.name, image.entry.name), error);
      failures.push(error);
    }
  }
  throwIfAny(failures, targets.length);
}

/** One error for what failed at some of several targets; each was told of when it failed. */
function throwIfAny([first, ...more]: readonly PimError[], count: number): void {
  if (first === undefined) return;
  const { exitCode } = first;
  throw new PimError(`${more.length + 1} of ${count} deployments failed; the warnings above say why`, {
    exitCode,
  });
}

/** Whether a failure at one target leaves the others to be tried; if not, it is thrown on. */
function isForOneOf(targets: readonly NamedTarget[], error: unknown): error is PimError {
  return error instanceof PimError && !(error instanceof CancelledError) && targets.length > 1;
}

/** What a deployment would do, in the form that --json prints. */
interface PlannedDeployment {
  readonly id: string;
  readonly target: string;
  readonly where: string;
  readonly actions: readonly PlannedAction[];
}

async function printPlans(
  context: PimContext,
  { json, force, verify }: DeployFlags,
  image: DeployImage,
  targets: readonly NamedTarget[],
): Promise<void> {
  const { paths } = await context.config();
  const plans: PlannedDeployment[] = [];
  const failures: PimError[] = [];
  for (const target of targets) {
    const id = deploymentId(target.name, image.entry.name);
    try {
      await using opened = target.open(hostTools(context));
      const found = await lookAhead(target, opened, image, { paths, force });
      const { where, actions } = found.plan ?? { where: found.known.where, actions: [] };
      const { verified } = found.plan === undefined ? found.known : found;
      const isVerified = verified?.ok === true && actions.every(waitsForVerification);
      const all = allActions({ actions }, opened, wantsVerification(target, verify) && !isVerified);
      plans.push({
        ...{ id, target: target.name, where },
        actions: all.map(({ phase, text }) => ({ phase, text })),
      });
    } catch (error) {
      if (!isForOneOf(targets, error)) throw error;
      warnOfFailure(id, error);
      failures.push(error);
    }
  }
  printPlanned(context, plans, json);
  throwIfAny(failures, targets.length);
}

function printPlanned(context: PimContext, plans: readonly PlannedDeployment[], json: boolean): void {
  if (json) return context.print(JSON.stringify(plans, null, 2));
  if (plans.length === 0) return;
  const nothing = [{ text: "nothing: it is there already" }];
  const lines = ({ id, actions }: PlannedDeployment) => [
    `${id}:`,
    ...(actions.length === 0 ? nothing : actions).map(({ text }) => `  ${text}`),
  ];
  context.print(plans.map((plan) => lines(plan).join("\n")).join("\n\n"));
}

/** `pim deploy list` */
export async function list(this: PimContext, flags: JsonFlags): Promise<void> {
  const found = await listDeployments(registryFile((await this.config()).paths));
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  if (found.length === 0) return this.print("Nothing was deployed yet. Try: pim deploy run PROFILE TARGET");
  this.print(table(
    ["DEPLOYMENT", "TYPE", "STATE", "VERIFIED", "SINCE", "WHERE"],
    found.map(({ id, type, state, verified, time, where }) => [
      ...[id, type, state, verified === undefined ? "no" : verified.ok ? "yes" : "failed", time, where],
    ]),
  ));
}

/** `pim deploy show TARGET/IMAGE` */
export async function show(this: PimContext, flags: JsonFlags, id: string): Promise<void> {
  const found = await getDeployment(this, id);
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  const { ids, place: _place, former = [], verified, ...rest } = found;
  this.print(table(["WHAT", "VALUE"], [
    ...Object.entries(rest),
    ...(verified === undefined
      ? []
      : [["verified", verified.ok ? verified.time : `failed at ${verified.time}`]]),
    ...former.map(({ where }) => ["to be removed", where]),
    ...Object.entries(ids).map(([name, value]) => [`id: ${name}`, value]),
  ]));
}

/** `pim deploy status [TARGET/IMAGE…]` */
export async function status(this: PimContext, flags: JsonFlags, ...wanted: string[]): Promise<void> {
  const { paths, folders } = await this.config();
  const targets = await loadTargets(folders);
  const deployments = wanted.length === 0
    ? await listDeployments(registryFile(paths))
    : await Promise.all(wanted.map((id) => getDeployment(this, id)));
  const found: { id: string; state: string; detail: string }[] = [];
  const images = (await openRegistry(registryFile(paths))).list();
  for (const deployment of deployments) {
    const { id, target, image, ids, sha256, state } = deployment;
    try {
      const named = getTarget(target, targets);
      requireSameType(deployment, named);
      await using opened = named.open(hostTools(this));
      const entry = images.find(({ name }) => name === image);
      const place = entry && opened.place(entry);
      const moved = place !== undefined && !suits(deployment, place);
      const presence = state === "unfinished" ? "unfinished" : await opened.presence(ids, sha256);
      found.push({
        id,
        state: moved && presence === "there" ? "changed" : presence,
        detail: moved
          ? `the target's settings have changed: ${place.name}${place.form ? `, ${place.form}` : ""}`
          : "",
      });
    } catch (error) {
      if (!(error instanceof PimError) || this.signal.aborted) throw error;
      found.push({ id, state: "unknown", detail: messageOf(error) });
    }
  }
  if (flags.json) return this.print(JSON.stringify(found, null, 2));
  if (found.length === 0) return this.print("Nothing was deployed yet.");
  this.print(
    table(["DEPLOYMENT", "STATE", "DETAIL"], found.map((each) => [each.id, each.state, each.detail])),
  );
}

/** `pim deploy remove TARGET/IMAGE…` */
export async function remove(this: PimContext, flags: RemoveFlags, ...wanted: string[]): Promise<void> {
  const { paths, folders } = await this.config();
  const found = await Promise.all(wanted.map((id) => getDeployment(this, id)));
  const targets = flags.forget ? [] : await loadTargets(folders);
  for (const deployment of found) {
    if (flags.forget) await forgetDeployment(registryFile(paths), deployment.id);
    else {
      const target = getTarget(deployment.target, targets);
      await removeDeployment(deployment, target, { paths, tools: hostTools(this) });
    }
    if (!flags.json) {
      this.print(`${flags.forget ? "forgot" : "removed"} ${deployment.id} (${deployment.where})`);
    }
  }
  if (flags.json) this.print(JSON.stringify(found.map(({ id }) => id), null, 2));
}

/** `pim deploy output` */
export async function output(this: PimContext, flags: OutputFlags): Promise<void> {
  this.print(
    deploymentOutput(await listDeployments(registryFile((await this.config()).paths)), flags.format),
  );
}
