import type { StopSign } from "../../installer/installer.ts";
import { readClue } from "./clues.ts";
import type { Clue, Evidence, Phase, QemuEvidence } from "./evidence.ts";

/** What only the one who works with a machine can see. */
export type Seen = Partial<Pick<Evidence, "install" | "ssh" | "agent" | "script">>;

/** Keeps what was seen of a machine, and when the last sign of progress was. */
export interface Sightings {
  /** Something went on. */
  sign(): void;
  /** Adds what was seen; this alone is no sign of progress. */
  see(seen: Seen): void;
  /** Takes note of a line of the console or of a log, which is a sign; true when the line tells something new. */
  read(line: string): boolean;
  /** The last lines of the console as they stand; a sign when they are not what they were. */
  readTail(lines: readonly string[]): void;
  /** What the guest has written to its disks since QEMU began; a sign when it is much more than before. */
  readWritten(bytes: number): void;
  readQemu(qemu: Partial<QemuEvidence>): void;
  evidence(): Evidence;
  /** Whether there was any sign yet. */
  readonly begun: boolean;
}

// A system at rest still writes a line to its journal now and then.
const muchBytes = 1024 ** 2;

/** Begins with nothing. `now` is a clock in milliseconds. */
export function newSightings(
  options: { readonly phase: Phase; readonly deadlineMs: number; readonly stopSigns?: readonly StopSign[] },
  now: () => number = () => performance.now(),
): Sightings {
  const { phase, deadlineMs, stopSigns } = options;
  const startedMs = now();
  const clues: Clue[] = [];
  const written: { first?: number; signed: number; last: number } = { signed: 0, last: 0 };
  let signMs = startedMs;
  let begun = false;
  let seen: Seen = {};
  let qemu: QemuEvidence = {};
  let tail: readonly string[] = [];
  const sign = () => {
    signMs = now();
    begun = true;
  };
  return {
    sign,
    see: (more) => seen = { ...seen, ...more },
    read(line) {
      sign();
      const clue = readClue(line, phase, stopSigns);
      if (clue === undefined || clues.some(({ kind }) => kind === clue.kind)) return false;
      clues.push(clue);
      return true;
    },
    readTail(lines) {
      if (lines.join("\n") === tail.join("\n")) return;
      tail = lines;
      sign();
    },
    readWritten(bytes) {
      if (written.first === undefined) written.first = written.signed = bytes;
      written.last = bytes;
      if (bytes < written.signed + muchBytes) return;
      written.signed = bytes;
      sign();
    },
    readQemu: (more) => qemu = { ...qemu, ...more },
    evidence: () => ({
      phase,
      deadlineMs,
      elapsedMs: Math.round(now() - startedMs),
      quietMs: Math.round(now() - signMs),
      serial: { seen: tail.length > 0, last: tail },
      clues: [...clues],
      qemu,
      writtenBytes: written.last - (written.first ?? 0),
      ...seen,
    }),
    get begun() {
      return begun;
    },
  };
}
