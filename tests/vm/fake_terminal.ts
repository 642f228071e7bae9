import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import type { ConsoleTerminal } from "../../lib/vm/console/console.ts";

/** A terminal, or a pair of pipes, that a test types on and looks at. */
export interface FakeTerminal extends ConsoleTerminal {
  /** Everything that was written, a byte for each character. */
  shown(): string;
  type(text: string): void;
  /** Ends the input. */
  hangUp(): void;
  /** How it was set, in turn. */
  readonly modes: boolean[];
  /** Waits until this text, or so many bytes, are shown. */
  see(what: string | number): Promise<void>;
  /** From now on it takes nothing, until the returned function is called. */
  stall(): () => void;
  /** The next writing fails so. */
  failure?: Error;
}

/** Makes such a terminal; with `piped` neither its input nor its output is one. */
export function fakeTerminal(options: { readonly piped?: boolean } = {}): FakeTerminal {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const modes: boolean[] = [];
  let text = "";
  let stalled: Promise<void> | undefined;
  const terminal: FakeTerminal = {
    keyboard: !options.piped,
    screen: !options.piped,
    input: readable,
    modes,
    shown: () => text,
    type: (keys) => void writer.write(Buffer.from(keys, "latin1")).catch(() => {}),
    hangUp: () => void writer.close().catch(() => {}),
    async write(bytes) {
      if (terminal.failure) throw terminal.failure;
      await stalled;
      text += Buffer.from(bytes).toString("latin1");
    },
    setRaw: (raw) => Promise.resolve(void modes.push(raw)),
    async see(what) {
      const endMs = performance.now() + 10_000;
      while (typeof what === "number" ? text.length < what : !text.includes(what)) {
        if (performance.now() > endMs) {
          throw new Error(`${what} is not among the ${text.length} bytes: …${text.slice(-200)}`);
        }
        await sleep(2);
      }
    },
    stall() {
      const { promise, resolve } = Promise.withResolvers<void>();
      stalled = promise;
      return resolve;
    },
  };
  return terminal;
}
