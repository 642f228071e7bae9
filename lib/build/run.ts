import { CancelledError, exitCode, messageOf, PimError } from "../errors.ts";
import { buildSteps } from "./build.ts";
import { openBuildLog } from "./build_log.ts";
import { runChain, StepError } from "./chain.ts";
import { emitter, type TimedEvent } from "./events.ts";
import type { BuildPlan } from "./plan.ts";
import type { BuiltImage } from "./states.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** Options of {@linkcode runBuild}. */
export interface RunOptions {
  readonly signal: AbortSignal;
  readonly onEvent: (event: TimedEvent) => void;
  /** Asked after a failure, while the machine is still there: whether the disk is to be kept. */
  readonly keepDisk: (error: unknown) => boolean | Promise<boolean>;
}

/** A build that failed: in which step, why, and where its logs are. */
export class BuildError extends PimError {
  override readonly name = "BuildError";

  constructor(readonly step: string, cause: unknown, readonly folder: string) {
    super(`The build failed in step ${step}: ${messageOf(cause)}`, {
      cause,
      exitCode: cause instanceof PimError ? cause.exitCode : exitCode.failure,
      hint: [cause instanceof PimError ? cause.hint : undefined, `Its logs are in ${folder}`].filter((each) =>
        each !== undefined
      ).join("\n      "),
    });
  }
}

/**
 * Runs a build to its end. Everything it took in use is given back whatever happens; a failed build leaves its logs
 * (and its disk, when asked), a cancelled one nothing. Throws {@linkcode BuildError} or {@linkcode CancelledError}.
 */
export async function runBuild(plan: BuildPlan, options: RunOptions): Promise<BuiltImage> {
  const startedMs = performance.now();
  await using workspace = await openWorkspace(plan.config.paths, plan.name);
  using log = openBuildLog({ text: workspace.files.buildLog, ndjson: workspace.files.events });
  const emit = emitter([log.listen, options.onEvent]);
  await using undo = new AsyncDisposableStack();
  const steps = buildSteps(plan);
  emit({
    type: "build-started",
    build: plan.name,
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
    const failure = options.signal.aborted
      ? new CancelledError()
      : await keepLogs(new BuildError(error.step, error.cause, workspace.dir), workspace, options);
    const { hint } = failure;
    emit({
      type: "build-failed",
      step: error.step,
      reason: failure instanceof BuildError ? messageOf(error.cause) : failure.message,
      exitCode: failure.exitCode,
      ...(hint !== undefined && { hint }),
      ...(failure instanceof BuildError && { folder: workspace.dir }),
    });
    throw failure;
  }
}

async function keepLogs(failure: BuildError, workspace: Workspace, options: RunOptions): Promise<BuildError> {
  workspace.keep("logs");
  if (await options.keepDisk(failure)) workspace.keep("everything");
  return failure;
}
