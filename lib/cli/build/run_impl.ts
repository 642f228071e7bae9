import { buildSteps } from "../../build/build.ts";
import { type BuildPlan, type BuildRequest, planBuild } from "../../build/plan.ts";
import { chooseLayer } from "../../build/layers/choose.ts";
import { needPruning, pruneLayers } from "../../build/layers/prune.ts";
import { listLayers } from "../../build/layers/store.ts";
import { runBuild } from "../../build/run.ts";
import { sideBySide } from "../../build/side_by_side.ts";
import type { Config } from "../../config/config.ts";
import { CancelledError, exitCode, PimError } from "../../errors.ts";
import { hideSecret, log } from "../../log.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import { isoStatus } from "../../iso/status.ts";
import { loginWarning } from "../../profile/login.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { parseDiskSize } from "../../qemu/disk_size.ts";
import type { RunFlags } from "./run.ts";
import { type BuildRenderer, buildRenderer } from "./render.ts";
import type { PimContext } from "../context.ts";
import { countOf } from "../count.ts";
import { formatError } from "../error_text.ts";
import { table } from "../table.ts";
import { vmUsers } from "../vm_users.ts";

/** `pim build run PROFILE...` */
export async function run(this: PimContext, flags: RunFlags, ...profiles: string[]): Promise<void> {
  const config = await this.config();
  const plans: BuildPlan[] = [];
  // All of them first: a mistake in the last one is told before anything is built.
  for (const profile of new Set(profiles)) plans.push(await planBuild(config, requestOf(flags, profile)));
  for (const { profile } of plans) hideSecret(profile.password);
  for (const { profile } of plans) warnOfLogin(profile);
  if (flags.dryRun) return await printPlans(this, plans, flags.json);
  const several = plans.length > 1;
  using renderer = await buildRenderer({
    mode: flags.json ? "json" : this.quiet ? "quiet" : this.live ? "live" : "plain",
    several,
    print: (line) => this.print(line),
    say: (line) => this.process.stderr.write(`${line}\n`),
  });
  let built = 0;
  const failures = await sideBySide(plans, { jobs: flags.jobs, signal: this.signal }, async (plan) => {
    try {
      await build(this, plan, flags, renderer);
      built++;
    } catch (error) {
      if (several && !this.signal.aborted) renderer.say(`${plan.profile.name}: ${formatError(error, false)}`);
      throw error;
    }
  });
  if (built === plans.length) return;
  const [first] = failures;
  if (first === undefined || (several && this.signal.aborted)) throw new CancelledError();
  if (!several) throw first.error;
  throw new PimError(
    `${failures.length} of ${plans.length} builds failed: ` +
      failures.map(({ item }) => item.profile.name).join(", "),
    {
      cause: first.error,
      exitCode: first.error instanceof PimError ? first.error.exitCode : exitCode.failure,
    },
  );
}

function warnOfLogin(profile: ResolvedProfile): void {
  const warning = loginWarning(profile.name, profile);
  if (warning !== undefined) log.warn(warning);
}

function requestOf(flags: RunFlags, profile: string): BuildRequest {
  const { arch, iso, force, from, cache, verify } = flags;
  return { profile, architecture: arch, iso, force, from, cache, verify };
}

async function build(
  context: PimContext,
  plan: BuildPlan,
  flags: RunFlags,
  renderer: BuildRenderer,
): Promise<void> {
  const onError = flags.onError ?? plan.config.settings.build.on_error;
  const { name } = plan.profile;
  const image = await runBuild(plan, {
    signal: context.signal,
    noWait: !flags.wait,
    onWait: () => log.info(`${name} is being built already; waiting for that build to end (Ctrl-C gives up)`),
    onEvent: renderer.listen,
    ...(flags.console && { onConsole: (line) => renderer.console(name, line) }),
    keepDisk: async ({ message }) =>
      onError === "keep" ||
      (onError === "ask" && context.live &&
        await renderer.ask(`${message}\nKeep the disk of the failed build?`, context.signal)),
  });
  if (!flags.json) context.print(image.path);
  await makeRoom(plan.config, context.signal);
}

/** Keeps the layers within the room that pim.yml gives them. */
async function makeRoom(config: Config, signal: AbortSignal): Promise<void> {
  if (!(await needPruning(config))) return;
  const maxBytes = parseDiskSize(config.settings.build.layers_size);
  const vmsUsing = await vmUsers(config.paths);
  const { removed } = await pruneLayers(config, { maxBytes }, { vmsUsing, signal });
  for (const { layer, why } of removed) log.debug(`Removed the layer ${layer.id}: ${why}`);
}

/** One plan as it is; several as a list. */
async function printPlans(context: PimContext, plans: readonly BuildPlan[], json: boolean): Promise<void> {
  const data = await Promise.all(plans.map(describePlan));
  if (json) return context.print(JSON.stringify(data.length === 1 ? data[0] : data, null, 2));
  context.print(data.map(planText).join("\n\n"));
}

/** What a build would do, for people and for --json. */
interface PlanDescription {
  readonly image: string;
  readonly profile: string;
  readonly architecture: string;
  readonly iso: {
    readonly key: string;
    readonly url: string;
    readonly state: string;
    readonly checksum?: string;
  };
  readonly machine: Pick<BuildPlan["profile"]["build"], "memoryMiB" | "cpus" | "diskSize" | "firmware">;
  readonly user: string;
  readonly scripts: readonly string[];
  readonly steps: readonly string[];
}

async function describePlan(plan: BuildPlan): Promise<PlanDescription> {
  const iso = await isoStatus(plan.iso, plan.config.settings.iso.iso_dir);
  const { build } = plan.profile;
  const reuse = chooseLayer(plan, await listLayers(plan.config.paths));
  return {
    image: `${plan.config.settings.build.image_dir}/${plan.name}.qcow2`,
    profile: plan.profile.name,
    architecture: plan.architecture,
    iso: {
      key: plan.iso.key,
      url: plan.iso.url,
      state: iso.state,
      ...(plan.iso.checksum && { checksum: formatChecksum(plan.iso.checksum) }),
    },
    machine: {
      memoryMiB: build.memoryMiB,
      cpus: build.cpus,
      diskSize: build.diskSize,
      firmware: build.firmware,
    },
    user: plan.sshUser,
    scripts: plan.scripts.map(({ path }) => path),
    steps: buildSteps(plan, reuse).steps.map(({ name }) => name),
  };
}

function planText(plan: PlanDescription): string {
  const { iso, machine } = plan;
  const cpus = countOf(machine.cpus, "CPU");
  return table(["WHAT", "VALUE"], [
    ["image", plan.image],
    ["ISO", `${iso.key} (${iso.state}) ${iso.url}`],
    [
      "machine",
      `${machine.memoryMiB} MiB, ${cpus}, disk ${machine.diskSize}, ${machine.firmware}, ${plan.architecture}`,
    ],
    ["user", plan.user],
    ...plan.scripts.map((path, index) => [index === 0 ? "scripts" : "", path]),
    ...plan.steps.map((step, index) => [index === 0 ? "steps" : "", `${index + 1}. ${step}`]),
  ]);
}
