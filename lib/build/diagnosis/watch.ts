import { setTimeout as sleep } from "node:timers/promises";
import type { StopSign } from "../../installer/installer.ts";
import type { Machine } from "../../qemu/machine.ts";
import { followSerial, lastSerialLines } from "../../qemu/serial.ts";
import type { Evidence, Phase } from "./evidence.ts";
import { processorSeconds, readEvent, readStatus, writtenBytes } from "./machine_life.ts";
import { DiagnosedError } from "./reason.ts";
import { diagnose, type Moment } from "./rules.ts";
import { newSightings, type Seen, type Sightings } from "./sightings.ts";
import { isStatusBar } from "./waiting_screen.ts";

/** What {@linkcode watchMachine} looks at, and how patient it is. */
export interface WatchOptions {
  readonly phase: Phase;
  readonly machine: Pick<Machine, "pid" | "qmp">;
  readonly serialLog: string;
  /** How long nothing may happen. */
  readonly stallMs: number;
  /** How long everything may take. */
  readonly deadlineMs: number;
  /** Words of the installer that it has stopped. */
  readonly stopSigns?: readonly StopSign[];
  /** Called with each line of the console. */
  readonly onLine?: (line: string) => void;
  /** How often the machine is looked at; default 2000. */
  readonly intervalMs?: number;
}

/** Gathers what a machine shows, and says so when there is no sense in waiting any longer. */
export interface Watch extends AsyncDisposable {
  /** Rejects with {@linkcode DiagnosedError} once a reason is found that is final, or nothing happened for too long. */
  readonly failed: Promise<never>;
  /** Adds what only the caller sees, as a sign of progress or not. */
  see(seen: Seen, sign?: "progress" | "no progress"): void;
  /** Takes note of a line of a log. */
  read(line: string): void;
  evidence(): Evidence;
  /** The reason as it stands at a moment, with all that the console holds by now; undefined when there is none. */
  conclude(moment: Moment): Promise<DiagnosedError | undefined>;
  /** Ends the watch of a machine that has ended, once everything it said is read. */
  finish(): Promise<void>;
}

// A whole screen of an installer.
const tailLines = 25;
// A kernel unpacks its first file system in silence, which takes a while where everything is emulated.
const firstWordMs = 60_000;
// Of one processor: an idle guest takes a few hundredths, and a busy one gets a part of it where builds share the host.
const busyShare = 0.3;

/** Watches a machine until disposed of; the serial log counts from where it ends now. */
export async function watchMachine(options: WatchOptions): Promise<Watch> {
  const { machine, serialLog, stallMs, deadlineMs, intervalMs = 2000 } = options;
  const fromBytes = await sizeOf(serialLog);
  const sightings = newSightings(options);
  const judge = newJudge(sightings, () => readScreen(serialLog, fromBytes));
  const stop = new AbortController();
  const { signal } = stop;

  const read = (line: string) => {
    if (sightings.read(line)) void judge.failIf("seen");
  };
  const followConsole = async () => {
    for await (const line of followSerial(serialLog, { signal, fromBytes })) {
      if (isStatusBar(line)) continue;
      read(line);
      options.onLine?.(line);
    }
  };
  const lookNowAndThen = async () => {
    const look = looker(machine, sightings);
    while (await pause(intervalMs, signal)) {
      sightings.readTail(await readScreen(serialLog, fromBytes));
      await look();
      await judge.failIf("seen");
      const { quietMs, elapsedMs } = sightings.evidence();
      if (quietMs >= (sightings.begun ? stallMs : Math.max(stallMs, firstWordMs))) {
        await judge.failIf("stalled");
      }
      if (elapsedMs >= deadlineMs) await judge.failIf("deadline");
    }
  };
  const followed = followEvents(machine, sightings, () => judge.failIf("seen"), signal);
  const tasks = [followConsole(), lookNowAndThen(), followed].map((task) => task.catch(judge.giveUp));
  const dispose = async () => {
    stop.abort();
    await Promise.all(tasks);
  };
  return {
    failed: judge.failed,
    see(seen, sign = "progress") {
      sightings.see(seen);
      if (sign === "progress") sightings.sign();
    },
    read,
    evidence: sightings.evidence,
    conclude: judge.conclude,
    async finish() {
      // How QEMU ended is told on the monitor just before.
      await Promise.race([followed, pause(1000, signal)]);
      await dispose();
    },
    [Symbol.asyncDispose]: dispose,
  };
}

interface Judge {
  readonly failed: Promise<never>;
  readonly conclude: Watch["conclude"];
  /** Fails when there is a reason at this moment; never rejects. */
  failIf(moment: Moment): Promise<void>;
  giveUp(error: unknown): void;
}

function newJudge(sightings: Sightings, screen: () => Promise<readonly string[]>): Judge {
  const { promise: failed, reject: giveUp } = Promise.withResolvers<never>();
  failed.catch(() => {}); // Nobody may be waiting any more.
  const conclude = async (moment: Moment) => {
    sightings.readTail(await screen());
    const evidence = sightings.evidence();
    const reason = diagnose(evidence, moment);
    return reason && new DiagnosedError(reason, evidence);
  };
  return {
    failed,
    giveUp,
    conclude,
    async failIf(moment) {
      if (diagnose(sightings.evidence(), moment) === undefined) return;
      try {
        // The console may hold more by now, and the last look counts.
        const error = await conclude(moment);
        if (error !== undefined) giveUp(error);
      } catch (error) {
        giveUp(error);
      }
    },
  };
}

async function readScreen(serialLog: string, fromBytes: number): Promise<readonly string[]> {
  const lines = (await lastSerialLines(serialLog, tailLines, fromBytes)).split("\n");
  return lines.filter((line) => line !== "" && !isStatusBar(line));
}

/** A function that looks at what has to be asked for: what the guest has written, and whether it is busy. */
function looker({ qmp, pid }: WatchOptions["machine"], sightings: Sightings): () => Promise<void> {
  let before = { seconds: processorSeconds(pid), atMs: performance.now() };
  return async () => {
    const bytes = await writtenBytes(qmp);
    if (bytes !== undefined) sightings.readWritten(bytes);
    const now = { seconds: processorSeconds(pid), atMs: performance.now() };
    if (now.seconds !== undefined && before.seconds !== undefined) {
      const share = (now.seconds - before.seconds) * 1000 / (now.atMs - before.atMs);
      // A machine that has said nothing yet may be busy with nothing.
      if (share >= busyShare && sightings.begun) sightings.sign();
    }
    before = now;
  };
}

async function followEvents(
  { qmp }: WatchOptions["machine"],
  sightings: Sightings,
  look: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  await using events = qmp.events();
  signal.addEventListener("abort", () => void events[Symbol.asyncDispose](), { once: true });
  sightings.readQemu(await readStatus(qmp));
  await look();
  for await (const event of events) {
    sightings.readQemu(readEvent(event));
    await look();
  }
}

/** Waits; false when there is nothing to wait for any more. */
async function pause(ms: number, signal: AbortSignal): Promise<boolean> {
  await sleep(ms, undefined, { signal }).catch(() => {});
  return !signal.aborted;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0; // QEMU has not made it yet.
  }
}
