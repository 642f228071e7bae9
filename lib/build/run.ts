import { isCancelled } from "../ctrl_c.ts";
import { CancelledError, exitCode, messageOf, PimError } from "../errors.ts";
import { imageName } from "../image/images.ts";
import { exists } from "../files.ts";
import { milestoneShare } from "../installer/milestones.ts";
import { log, redact } from "../log.ts";
import { followSerial } from "../qemu/serial.ts";
import { buildSteps } from "./build.ts";
import { openBuildLog } from "./events/build_log.ts";
import { runChain, StepError } from "./chain.ts";
import { expectedSteps } from "./events/earlier_builds.ts";
import { reserveRoom, writeReason } from "./diagnosis/bundle.ts";
import { reasonOf } from "./diagnosis/reason_of.ts";
import { type Emit, emitter, type TimedEvent } from "./events/events.ts";
import { estimating } from "./events/expectation.ts";
import { firstError } from "./first_error.ts";
import type { BuildPlan } from "./plan.ts";
import type { BuiltImage, Planned } from "./states.ts";
import { soundLayer } from "./layers/sound.ts";
import { settleDisk } from "./guest/settle_disk.ts";
import { install } from "./steps/install.ts";
import { takeTurn, type TurnOptions } from "./turn.ts";
import { unchangedImage } from "./unchanged.ts";
import { openWorkspace } from "./workspace.ts";

/** Options of {@linkcode runBuild}. */
export interface RunOptions extends TurnOptions {
  readonly onEvent: (event: TimedEvent) => void;
  /** Called with each line of the machine's serial console, in both of its phases. */
  readonly onConsole?: (line: string) => void;
  /** Asked after a failure, while the machine is still there: whether the disk is to be kept. */
  readonly keepDisk: (error: BuildError) => boolean | Promise<boolean>;
}

/** What a failed build leaves in its folder. */
export interface Left {
  readonly folder: string;
  readonly disk: boolean;
}

/** A build that failed: in which step, why, and what it left, where a machine has run. */
export class BuildError extends PimError {
  override readonly name = "BuildError";

  constructor(readonly step: string, cause: unknown, readonly left: Left | undefined) {
    const hints = [
      cause instanceof PimError ? cause.hint : undefined,
      left &&
      (left.disk
        ? `Its disk and logs are in ${left.folder}; run that disk as a VM with: pim build debug`
        : `Its logs are in ${left.folder}; --on-error keep would leave its disk there too`),
    ].filter((hint) => hint !== undefined);
    super(`The build failed in step ${step}: ${messageOf(cause)}`, {
      cause,
      exitCode: cause instanceof PimError ? cause.exitCode : exitCode.failure,
      ...(hints.length > 0 && { hint: hints.join("\n      ") }),
    });
  }
}

/**
 * Runs a build to its end. Everything it took in use is given back whatever happens; a failed build leaves its logs
 * (and its disk, when asked), a cancelled one nothing. Throws {@linkcode BuildError} or {@linkcode CancelledError}.
 */
export async function runBuild(plan: BuildPlan, options: RunOptions): Promise<BuiltImage> {
  try {
    return await build(plan, options);
  } catch (error) {
    throw firstError(error);
  }
}

async function build(unnamed: BuildPlan, options: RunOptions): Promise<BuiltImage> {
  const startedMs = performance.now();
  await using _turn = await takeTurn(unnamed, options);
  const unchanged = await unchangedImage(unnamed);
  if (unchanged !== undefined) {
    const { name, path, bytes } = unchanged;
    emitter(name, [options.onEvent])({ type: "build-unchanged", image: name, path, bytes });
    return unchanged;
  }
  const { plan, workspace } = await claimName(unnamed);
  await using _workspace = workspace;
  await reserveRoom(workspace.files);
  using buildLog = openBuildLog({ text: workspace.files.buildLog, ndjson: workspace.files.events });
  await using _console = options.onConsole && followConsole(workspace.files.serialLog, options.onConsole);
  const emit = estimating(emitter(plan.name, [buildLog.listen, options.onEvent]), {
    stepMs: await expectedSteps(plan),
    share: (step, text) => step === install.name ? milestoneShare(text) : undefined,
  });
  await using undo = new AsyncDisposableStack();
  const reuse = await soundLayer({ plan, workspace }, options.signal);
  const steps = buildSteps(plan, reuse);
  emit({
    type: "build-started",
    profile: plan.profile.name,
    architecture: plan.architecture,
    steps: steps.steps.map(({ name }) => name),
  });
  try {
    const image = await runChain(steps, { plan, workspace }, { signal: options.signal, undo, emit });
    const elapsedMs = Math.round(performance.now() - startedMs);
    emit({ type: "build-finished", image: image.name, path: image.path, bytes: image.bytes, elapsedMs });
    return image;
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const failure = await isCancelled(options.signal)
      ? new CancelledError()
      : await keepLogs(error, { plan, workspace, elapsedMs: performance.now() - startedMs }, options);
    emitFailure(emit, error, failure);
    throw failure;
  }
}

/** The plan under a name that no other build has: of two builds in one second, one is named after the next second. */
async function claimName(plan: BuildPlan): Promise<Planned> {
  for (let timeMs = Date.now();; timeMs += 1000) {
    const name = imageName(plan.profile.name, plan.architecture, new Date(timeMs));
    const workspace = await openWorkspace(plan.config.paths, name);
    if (workspace !== undefined) return { plan: { ...plan, name }, workspace };
  }
}

function followConsole(serialLog: string, onLine: (line: string) => void): AsyncDisposable {
  const stop = new AbortController();
  const following = (async () => {
    for await (const line of followSerial(serialLog, { signal: stop.signal })) onLine(redact(line));
  })().catch((error) => log.warn(`The console can no longer be shown: ${messageOf(error)}`));
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}

interface Failed extends Planned {
  readonly elapsedMs: number;
}

/** A failure before any machine has run is told in whole by its message: then nothing is kept. */
async function keepLogs(
  { step, cause }: StepError,
  { plan, workspace, elapsedMs }: Failed,
  options: RunOptions,
): Promise<BuildError> {
  if (!(await exists(workspace.files.serialLog))) return new BuildError(step, cause, undefined);
  const failure = (disk: boolean) => new BuildError(step, cause, { folder: workspace.dir, disk });
  workspace.keep("logs");
  const failed = {
    build: plan.name,
    profile: plan.profile.name,
    step,
    elapsedMs: Math.round(elapsedMs),
  };
  await writeReason(workspace.files, failed, cause)
    .catch((error) => log.warn(`The reason cannot be kept: ${messageOf(error)}`));
  const disk = await options.keepDisk(failure(false));
  if (disk) {
    await settleDisk(workspace.runtime.agent, options.signal);
    workspace.keep("everything");
  }
  return failure(disk);
}

function emitFailure(emit: Emit, { step, cause }: StepError, failure: BuildError | CancelledError): void {
  const { hint } = failure;
  emit({
    type: "build-failed",
    step,
    code: reasonOf(failure instanceof BuildError ? cause : failure).code,
    reason: failure instanceof BuildError ? messageOf(cause) : failure.message,
    exitCode: failure.exitCode,
    ...(hint !== undefined && { hint }),
    ...(failure instanceof BuildError && failure.left !== undefined && { folder: failure.left.folder }),
  });
}
