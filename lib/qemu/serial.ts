import { setTimeout as sleep } from "node:timers/promises";
import { messageOf, PimError } from "../errors.ts";
import { lastLines } from "../lines.ts";

/** What can be asked of {@linkcode followSerial}. */
export interface FollowOptions {
  /** Ends the lines when aborted; no error. What stands in the log by then is still given. */
  readonly signal: AbortSignal;
  /** Where in the log to begin, for a log that earlier starts of the machine have filled; default 0. */
  readonly fromBytes?: number;
  /** How often the log is looked at; default 200. */
  readonly intervalMs?: number;
}

/** The lines that a machine writes to its serial console, as they come into its log, readable: see serialCleaner. */
export async function* followSerial(logPath: string, options: FollowOptions): AsyncGenerator<string> {
  const { signal, intervalMs = 200 } = options;
  const clean = serialCleaner();
  const decoder = new TextDecoder();
  let offset = options.fromBytes ?? 0;
  for (;;) {
    const last = signal.aborted;
    for await (const bytes of readFrom(logPath, offset)) {
      offset += bytes.length;
      yield* clean(decoder.decode(bytes, { stream: true }));
    }
    if (last) {
      yield* clean("\n");
      return;
    }
    await sleep(intervalMs, undefined, { signal }).catch(() => {});
  }
}

/** The last readable lines of a serial log from this byte on, to show beside an error; "" when there is no log. */
export async function lastSerialLines(logPath: string, count: number, fromBytes = 0): Promise<string> {
  try {
    using file = await Deno.open(logPath);
    // A line is rarely longer than this, even with all its escapes.
    await file.seek(Math.max(fromBytes, (await file.stat()).size - count * 1024), Deno.SeekMode.Start);
    const text = await new Response(file.readable).text();
    return lastLines([...serialCleaner()(text + "\n")].join("\n"), count);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw new PimError(`Cannot read the serial log ${logPath}: ${messageOf(error)}`, { cause: error });
  }
}

// ECMA-48: control sequences (CSI), strings (OSC, DCS and their like, ended by BEL or ST) and short escapes.
// deno-lint-ignore no-control-regex
const escapes = /\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-OQ-WYZ\\`-~]/g;
// Moving the cursor to another line ends what was being written. H, f: to a place; A, B, E, F, d: by rows; J: clears.
// deno-lint-ignore no-control-regex
const moves = /^\x1b\[[\d;]*[HfABEFdJ]$/;
// deno-lint-ignore no-control-regex
const unfinishedEscape = /\x1b(?:[\]PX^_][^\x07\x1b]{0,256}\x1b?|\[[0-?]*[ -/]*|[ -/]*)$/;
// deno-lint-ignore no-control-regex
const controls = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/g;

// A guest that never ends its line must not fill the memory.
const maxLineLength = 8192;

/**
 * A function that takes pieces of console output and returns the lines they complete: without escape sequences and
 * control characters, blank lines and repetitions left out. A carriage return ends a line too, as progress bars use it.
 */
export function serialCleaner(): (text: string) => string[] {
  let rest = "";
  let previous = "";
  return (text) => {
    rest += text;
    // A piece may end in the middle of a sequence, which then waits for its other half.
    const tail =
      unfinishedEscape.exec(rest.replace(escapes, (escape) => "\0".repeat(escape.length)))?.[0].length ?? 0;
    const complete = rest.slice(0, rest.length - tail).replace(
      escapes,
      (escape) => moves.test(escape) ? "\n" : "",
    );
    const lines = complete.split(/\r\n|\n|\r/);
    rest = (lines.pop() ?? "") + rest.slice(rest.length - tail);
    if (rest.length > maxLineLength) {
      lines.push(rest);
      rest = "";
    }
    return lines
      .map((line) => line.replace(controls, "").trimEnd())
      .filter((line) => {
        if (line.trim() === "" || line === previous) return false;
        previous = line;
        return true;
      });
  };
}

async function* readFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return; // QEMU has not made it yet.
    throw new PimError(`Cannot read the serial log ${path}: ${messageOf(error)}`, { cause: error });
  }
  try {
    await file.seek(offset, Deno.SeekMode.Start);
    const buffer = new Uint8Array(64 * 1024);
    for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
      yield buffer.slice(0, count);
    }
  } finally {
    file.close();
  }
}
