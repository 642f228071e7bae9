import type { IsoProgress } from "../../iso/verify/verify.ts";

/** What is known of files on their way, and how it is written. */
export interface ProgressBoard {
  note(progress: IsoProgress, nowMs: number): void;
  /** Counts a file as done; it has no line any more. */
  readonly done: (key: string) => void;
  /** A line for each file under way, and one for all when there are several; with bars for a width. */
  lines(nowMs: number, columns?: number): readonly string[];
}

interface Noted {
  readonly progress: IsoProgress;
  /** Where the speed is counted from. */
  readonly since: { readonly bytes: number; readonly ms: number };
}

/** A board for so many files; `size` writes bytes for people. */
export function progressBoard(files: number, size: (bytes: number) => string): ProgressBoard {
  const underWay = new Map<string, Noted>();
  let doneFiles = 0;
  let doneBytes = 0;
  let gainedBytes = 0;
  let beganMs: number | undefined;
  return {
    note(progress, nowMs) {
      const known = underWay.get(progress.key);
      const goesOn = known?.progress.phase === progress.phase && progress.bytes >= known.progress.bytes;
      const since = goesOn ? known.since : { bytes: progress.bytes, ms: nowMs };
      beganMs ??= nowMs;
      if (goesOn) gainedBytes += progress.bytes - known.progress.bytes;
      underWay.set(progress.key, { progress, since });
    },
    done(key) {
      doneFiles++;
      doneBytes += underWay.get(key)?.progress.bytes ?? 0;
      underWay.delete(key);
    },
    lines(nowMs, columns) {
      const noted = [...underWay.values()];
      const each = noted.map((one) => fileLine(one, nowMs, size, columns));
      if (files === 1) return each;
      const bytes = noted.reduce((sum, { progress }) => sum + progress.bytes, doneBytes);
      const seconds = (nowMs - (beganMs ?? nowMs)) / 1000;
      const rate = seconds > 0.5 ? `, ${size(Math.round(gainedBytes / seconds))}/s` : "";
      return [...each, `all: ${doneFiles} of ${files} files, ${size(bytes)}${rate}`];
    },
  };
}

/** Writes progress as "KEY: downloading 12% (80 MiB of 660 MiB), 25 MiB/s, 23 s left". */
function fileLine(noted: Noted, nowMs: number, size: (bytes: number) => string, columns = 0): string {
  const { key, phase, bytes, totalBytes } = noted.progress;
  const speed = speedOf(noted, nowMs);
  const rate = speed === undefined ? "" : `, ${size(Math.round(speed))}/s`;
  const known = totalBytes !== undefined && totalBytes > 0;
  const share = known
    ? `${Math.floor(bytes / totalBytes * 100)}% (${size(bytes)} of ${size(totalBytes)})`
    : size(bytes);
  const left = known && speed ? `, ${Math.ceil((totalBytes - bytes) / speed)} s left` : "";
  const line = `${key}: ${phase === "hash" ? "verifying" : "downloading"} ${share}${rate}${left}`;
  return known && columns >= line.length + minimumBar ? `${bar(bytes / totalBytes)} ${line}` : line;
}

const barLength = 20;
const minimumBar = barLength + 4;

function bar(share: number): string {
  const full = Math.floor(share * barLength);
  return `[${"#".repeat(full)}${"-".repeat(barLength - full)}]`;
}

/** Bytes per second, when there is enough to tell. */
function speedOf({ progress, since }: Noted, nowMs: number): number | undefined {
  const seconds = (nowMs - since.ms) / 1000;
  return seconds > 0.5 ? (progress.bytes - since.bytes) / seconds : undefined;
}
