// @ts-types="@types/ssh2"
import type { ClientChannel } from "ssh2";
import { redact } from "../log.ts";
import { SshError } from "./errors.ts";
import { guarded, type Limits, type Link } from "./link.ts";

/** Options of a remote command. */
export interface ExecOptions extends Limits {
  /** Sent to the command's standard input, which is then closed; without it the input is empty. */
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** Called with each piece of text as it arrives. */
  readonly onStdout?: (text: string) => void;
  readonly onStderr?: (text: string) => void;
  /** Runs the command on a terminal; stdout and stderr then arrive together as stdout. */
  readonly pty?: boolean;
  /** How many characters of stdout and of stderr are kept, from the end; default 1 Mi. */
  readonly keepChars?: number;
}

/** How a remote command ended. */
export interface ExecResult {
  /** Its exit status; null when it was ended by a signal. */
  readonly code: number | null;
  /** The signal's name without SIG, such as "KILL". */
  readonly signal?: string;
  /** The end of what it wrote. */
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a shell command over a connection. Any exit status is a result, not an error.
 * On timeout or abort the command is sent SIGTERM and its channel closed; a command with a terminal gets SIGHUP by
 * that. sshd passes no signals on to root's commands: without a terminal such a one runs on until it next writes.
 */
export async function execOn(link: Link, command: string, options: ExecOptions = {}): Promise<ExecResult> {
  const what = `${link.where}: ${shorten(redact(command))}`;
  let channel: ClientChannel | undefined;
  let output: Output | undefined;
  let over = false;
  const work = async (): Promise<ExecResult> => {
    ({ channel, output } = await openChannel(link, what, command, options));
    // Time may have been up before the guest opened the channel.
    if (over) stop(channel);
    return await Promise.race([output.result, feed(channel, options.stdin)]);
  };
  try {
    return await guarded(link, what, options, work());
  } catch (error) {
    over = true;
    stop(channel);
    // A command such as `reboot` ends, and its connection right after: the exit status is the news then.
    const ended = error instanceof SshError && error.kind === "lost" ? output?.ended() : undefined;
    if (ended !== undefined) return ended;
    throw error;
  }
}

interface OpenChannel {
  readonly channel: ClientChannel;
  readonly output: Output;
}

function openChannel(link: Link, what: string, command: string, options: ExecOptions): Promise<OpenChannel> {
  const pty = options.pty ?? false;
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(new SshError("protocol", `${what}: ${cause.message}`, { cause }));
    try {
      link.client.exec(command, pty ? { pty: { cols: 120, rows: 40 } } : {}, (error, channel) => {
        if (error) fail(error);
        // At once, not after an await: the exit status of a quick command may be in the very packet that is being read.
        else resolve({ channel, output: collect(channel, options) });
      });
    } catch (error) {
      // ssh2 throws here when its socket is closed already.
      reject(link.lost ?? new SshError("lost", `${what}: ${(error as Error).message}`, { cause: error }));
    }
  });
}

interface Output {
  /** Settles when the channel has closed. */
  readonly result: Promise<ExecResult>;
  /** The result so far, once the command's exit has been reported. */
  ended(): ExecResult | undefined;
}

function collect(channel: ClientChannel, options: ExecOptions): Output {
  const keep = options.keepChars ?? 1_048_576;
  const stdout = tail(keep, options.onStdout);
  const stderr = tail(keep, options.onStderr);
  let exited = false;
  let code: number | null = null;
  let signal: string | undefined;
  const now = (): ExecResult => {
    const texts = { stdout: stdout.text(), stderr: stderr.text() };
    return signal === undefined ? { code, ...texts } : { code, signal, ...texts };
  };
  const result = new Promise<ExecResult>((resolve, reject) => {
    const guard = <A extends unknown[]>(work: (...args: A) => void) => (...args: A) => {
      try {
        work(...args);
      } catch (error) {
        reject(error);
      }
    };
    channel.on("data", guard(stdout.add));
    channel.stderr.on("data", guard(stderr.add));
    channel.on("exit", (status: number | null, name?: string) => {
      exited = true;
      code = status;
      signal = name?.replace(/^SIG/, "");
    });
    channel.on("error", reject);
    channel.on("close", () => resolve(now()));
  });
  return { result, ended: () => exited ? now() : undefined };
}

/** Decodes UTF-8 pieces, passes them on and keeps the end of the text. */
function tail(
  keepChars: number,
  onText?: (text: string) => void,
): { add(chunk: Uint8Array): void; text(): string } {
  const decoder = new TextDecoder();
  let kept = "";
  return {
    add(chunk) {
      const text = decoder.decode(chunk, { stream: true });
      if (text === "") return;
      kept += text;
      // Cut only now and then: cutting at every piece would copy the whole text each time.
      if (kept.length > 2 * keepChars) kept = kept.slice(-keepChars);
      onText?.(text);
    },
    text: () => kept.length > keepChars ? kept.slice(-keepChars) : kept,
  };
}

/** Writes the input; settles only when reading that input fails. */
async function feed(channel: ClientChannel, stdin: ExecOptions["stdin"]): Promise<never> {
  if (stdin === undefined || typeof stdin === "string" || stdin instanceof Uint8Array) {
    channel.end(stdin);
    return await new Promise(() => {});
  }
  for await (const chunk of stdin) {
    if (channel.destroyed || !channel.writable) break;
    if (!channel.write(chunk)) await drained(channel);
  }
  channel.end();
  return await new Promise(() => {});
}

function drained(channel: ClientChannel): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      channel.off("drain", done).off("close", done);
      resolve();
    };
    channel.on("drain", done).on("close", done);
  });
}

function stop(channel: ClientChannel | undefined): void {
  try {
    // RFC 4254 section 6.9; OpenSSH honours it since 7.9.
    channel?.signal("TERM");
    channel?.close();
  } catch {
    // The connection is gone, and the command's output with it.
  }
}

function shorten(command: string): string {
  const line = command.trim().split("\n")[0] ?? "";
  return line.length > 80 || line !== command.trim() ? `${line.slice(0, 79)}…` : line;
}
