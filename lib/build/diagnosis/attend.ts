import { readTextIfThere } from "../../files.ts";
import type { StopSign } from "../../installer/installer.ts";
import { formatArgv } from "../../process.ts";
import { type Machine, MachineDiedError } from "../../qemu/machine.ts";
import { SshError } from "../../ssh/errors.ts";
import { ScriptError } from "../guest/script.ts";
import { whileRunning } from "../machine.ts";
import type { Planned } from "../states.ts";
import { isAgentThere } from "./agent_watch.ts";
import type { Evidence, Phase } from "./evidence.ts";
import { DiagnosedError } from "./reason.ts";
import { reasonOf } from "./reason_of.ts";
import { takePicture } from "./picture.ts";
import { diagnose } from "./rules.ts";
import type { Seen } from "./sightings.ts";
import { type Watch, watchMachine } from "./watch.ts";

/** A machine of a build, and what it runs for. */
export interface Scene extends Planned {
  readonly machine: Machine;
  readonly phase: Phase;
  /** What the machine may do all in all, in milliseconds. */
  readonly deadlineMs: number;
  readonly stopSigns?: readonly StopSign[];
  /** Called with each line of its console. */
  readonly onLine?: (line: string) => void;
  /** Called before the work is given up, to see what can be seen only then. */
  readonly lastLook?: (signal: AbortSignal) => Promise<Seen>;
}

/**
 * Works with a machine and watches it meanwhile. The work is aborted once there is no sense in going on; whatever ends
 * it is then explained by all that was seen: throws {@linkcode DiagnosedError}, and leaves a picture of the display.
 */
export async function attend<T>(
  scene: Scene,
  signal: AbortSignal,
  work: (signal: AbortSignal, watch: Watch) => Promise<T>,
): Promise<T> {
  const { machine, plan, workspace, phase } = scene;
  // Scripts run in the machine that was booted before.
  if (phase !== "script") await noteArgv(workspace.files.argv, phase, machine.argv);
  await using watch = await watchMachine({
    ...scene,
    serialLog: workspace.files.serialLog,
    stallMs: plan.profile.build.stallMinutes * 60_000,
  });
  const given = new AbortController();
  const over = watch.failed.catch(async (error) => {
    const better = error instanceof DiagnosedError ? await lookAgain(error, scene, signal) : error;
    given.abort(better);
    throw better;
  });
  over.catch(() => {}); // Heard where the work is awaited.
  try {
    const both = AbortSignal.any([signal, given.signal]);
    // An installer's machine is to end, any other not.
    const doing = phase === "install"
      ? work(both, watch)
      : whileRunning(machine, plan.name, both, (signal) => work(signal, watch));
    // Work that does not heed its signal is left behind.
    return await Promise.race([doing, over]);
  } catch (error) {
    if (signal.aborted) throw error;
    await takePicture(machine.qmp, workspace.files.screenshot);
    if (given.signal.aborted) throw given.signal.reason;
    watch.see(await agentOf(scene, watch.evidence(), signal), "no progress");
    throw await explain(error, watch, phase);
  }
}

/** What the guest agent says, where nobody has asked it yet. */
async function agentOf({ phase, workspace }: Scene, seen: Evidence, signal: AbortSignal): Promise<Seen> {
  if (phase === "install" || seen.agent !== undefined) return {};
  return { agent: await isAgentThere(workspace.runtime.agent, signal) };
}

/** The same reason, with what could be seen only now. */
async function lookAgain(
  error: DiagnosedError,
  scene: Scene,
  signal: AbortSignal,
): Promise<DiagnosedError> {
  const { reason, evidence: before } = error;
  // A guest that was stopped or whose kernel is dead answers nobody.
  if (reason.final) return error;
  const agent = await agentOf(scene, before, signal);
  const evidence = { ...before, ...agent, ...await scene.lastLook?.(signal) };
  const better = diagnose(evidence, "stalled");
  return new DiagnosedError(better?.code === reason.code ? better : reason, evidence);
}

/** How QEMU was started, once for each time. */
async function noteArgv(path: string, phase: Phase, argv: readonly string[]): Promise<void> {
  const line = `${formatArgv(argv)}\n`;
  if ((await readTextIfThere(path))?.includes(line)) return;
  await Deno.writeTextFile(path, `# ${phase}\n${line}`, { append: true, mode: 0o600 });
}

async function explain(error: unknown, watch: Watch, phase: Phase): Promise<unknown> {
  if (error instanceof DiagnosedError) return error;
  if (error instanceof MachineDiedError) {
    const { code, signal, stderr: said } = error.end;
    await watch.finish();
    // One that ended in good order may have done so because of what its guest did.
    const good = code === 0 && signal === null;
    return (good ? await watch.conclude("seen") : undefined) ??
      unexplained(error, watch, { code, signal, said });
  }
  if (error instanceof ScriptError) {
    const { script: name, status, lines } = error;
    watch.see({ script: { name, last: lines, ...(error.timedOut ? {} : { status }) } }, "no progress");
    return await watch.conclude(error.timedOut ? "deadline" : "ended") ?? error;
  }
  if (error instanceof SshError && phase === "boot") {
    const { ssh } = watch.evidence();
    if (ssh !== undefined) watch.see({ ssh: { ...ssh, error: error.message } }, "no progress");
    return await watch.conclude("deadline") ?? error;
  }
  return await watch.conclude("seen") ?? unexplained(error, watch);
}

/** An error that says enough by itself. */
function unexplained(
  error: unknown,
  watch: Watch,
  ended?: { readonly code: number; readonly signal: string | null; readonly said: string },
): DiagnosedError {
  const evidence = watch.evidence();
  const qemu = { ...evidence.qemu, ...(ended !== undefined && { ended }) };
  return new DiagnosedError(reasonOf(error), { ...evidence, qemu }, { lines: [], cause: error });
}
