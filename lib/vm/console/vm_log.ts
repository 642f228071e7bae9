import { setTimeout as sleep } from "node:timers/promises";
import { PimError } from "../../errors.ts";
import { exists } from "../../files.ts";
import { serialCleaner } from "../../qemu/serial.ts";
import { isThere } from "../gone.ts";
import { followLog, seekLastLines } from "./serial_log.ts";
import { isRunning, type Vm } from "../vms.ts";

/** Which of a VM's logs is meant. */
export interface WhichLog {
  /** What QEMU itself said, in place of the serial console. */
  readonly qemu: boolean;
  /** Of the start before; of QEMU, when it last ended unexpectedly. */
  readonly previous: boolean;
}

/** The path of a VM's log; throws when there is none. */
export async function findLog({ name, files, folder }: Vm, which: WhichLog): Promise<string> {
  const { qemu, previous } = which;
  const candidates = qemu
    ? previous ? [folder.crashLog] : [files.log, folder.crashLog]
    : [previous ? folder.previousSerialLog : folder.serialLog];
  for (const path of candidates) {
    if (await exists(path)) return path;
  }
  if (!qemu) {
    throw new PimError(`${name} has not been started ${previous ? "twice" : "yet"}: it has no such log`);
  }
  throw new PimError(
    previous
      ? `QEMU of ${name} never ended unexpectedly`
      : `${name} does not run, and its QEMU ended in order`,
    { hint: "What QEMU says is kept while it runs, and when it ends unexpectedly." },
  );
}

/** Options of {@linkcode readLog}. */
export interface ReadLogOptions {
  /** Only so many lines of what is there. */
  readonly lines?: number;
  /** As it is, in place of readable lines: see serialCleaner. */
  readonly raw: boolean;
  /** Goes on with what comes until aborted; without it what is there is all. */
  readonly until?: AbortSignal;
}

/** The contents of a log, in pieces to be written one after another. */
export async function* readLog(path: string, options: ReadLogOptions): AsyncGenerator<Uint8Array> {
  const { lines, raw, until = AbortSignal.abort() } = options;
  using file = await Deno.open(path);
  if (raw) {
    if (lines !== undefined) await seekLastLines(file, lines);
    return yield* followLog(file, until, pause(until));
  }
  const clean = serialCleaner();
  const decoder = new TextDecoder();
  const read = async function* (ended: AbortSignal) {
    for await (const bytes of followLog(file, ended, pause(ended))) {
      yield clean(decoder.decode(bytes, { stream: true }));
    }
    if (ended === until) yield clean("\n");
  };
  if (lines !== undefined) {
    // Only when the end is known: a line may be left out as the repetition of one before.
    const last: string[] = [];
    for await (const some of read(until.aborted ? until : AbortSignal.abort())) {
      last.push(...some);
      last.splice(0, last.length - lines);
    }
    yield encode(last);
    if (until.aborted) return;
  }
  for await (const some of read(until)) yield encode(some);
}

const encoder = new TextEncoder();

function encode(lines: readonly string[]): Uint8Array {
  return encoder.encode(lines.map((line) => `${line}\n`).join(""));
}

function pause(ended: AbortSignal): () => Promise<void> {
  return () => sleep(100, undefined, { signal: ended }).catch(() => {});
}

/** A signal that is aborted when the QEMU of this start of a VM is gone; looks as long as it is not disposed of. */
export function endOf(vm: Vm): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setInterval(async () => {
    if (isRunning(vm) && await isThere(vm)) return;
    clearInterval(timer);
    controller.abort();
  }, 250);
  if (!isRunning(vm)) controller.abort();
  return { signal: controller.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
