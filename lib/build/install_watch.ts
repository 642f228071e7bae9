import { exitCode, PimError } from "../errors.ts";
import type { Installer, StopSign } from "../installer/installer.ts";
import { followSerial, lastSerialLines } from "../qemu/serial.ts";
import type { SeedRequest, SeedServer } from "../serve/server.ts";
import type { SyslogReceiver } from "./syslog.ts";

/** What {@linkcode watchInstall} looks at. */
export interface InstallSources {
  readonly installer: Installer;
  readonly seed: SeedServer;
  readonly syslog: SyslogReceiver;
  readonly serialLog: string;
  readonly progress: (text: string) => void;
}

/** Follows an installer by everything it shows: its serial console, its log, its requests to the seed server. */
export interface InstallWatch extends AsyncDisposable {
  /** Rejects as soon as the installer says that it cannot go on. */
  readonly failed: Promise<never>;
  /** Reads what the console still holds once the machine has ended; throws when the installer has not done its work. */
  finish(): Promise<void>;
  /** How far the installer came, in words. */
  reached(): string;
  /** An error with the place that was reached and the last lines of the console. */
  failure(why: string): Promise<PimError>;
}

// Whatever the installer, its kernel can die, and waits for ever then.
const panic: StopSign = { pattern: /Kernel panic - not syncing/, meaning: "the kernel gave up" };

/** Starts watching; disposing ends it. */
export function watchInstall(sources: InstallSources): InstallWatch {
  const { installer, seed, syslog, serialLog, progress } = sources;
  const stop = new AbortController();
  const sign = Promise.withResolvers<never>();
  sign.promise.catch(() => {});
  let stopped: string | undefined;
  let milestone: string | undefined;
  let consoleSeen = false;

  const answerFile = installer.answerFiles.find((path) => path !== "/meta-data" && path !== "/install.sh");
  const fetched = (path: string | undefined) =>
    seed.requests.some((request) => request.path === path && request.status === 200);
  const reached = () => {
    if (fetched("/install.sh")) return "the late command was fetched";
    if (milestone !== undefined) return `the installer was at: ${milestone}`;
    if (fetched(answerFile)) return `${answerFile} was fetched`;
    return consoleSeen
      ? `the kernel started, but ${answerFile} was not fetched`
      : "nothing came from the serial console";
  };
  const failure = async (why: string) => {
    const lines = await lastSerialLines(serialLog, 15);
    const last = lines === "" ? "" : `\nThe last lines of its console:\n${lines.replace(/^/gm, "  | ")}`;
    return new PimError(`The installation failed: ${why} (${reached()})${last}`, {
      exitCode: exitCode.timeout,
      hint: "Watch the installer at work with: pim build run --console PROFILE",
    });
  };
  const look = (line: string) => {
    const found = [...installer.stopSigns, panic].find(({ pattern }) => pattern.test(line));
    if (found !== undefined && stopped === undefined) {
      stopped = `${found.meaning}: ${line.trim()}`;
      failure(stopped).then(sign.reject, sign.reject);
    }
    const text = installer.milestone(line);
    if (text !== undefined && text !== milestone) progress(milestone = text);
  };

  syslog.onLine(look);
  const requests = seed.onRequest((request) => progress(describeRequest(request)));
  const following = (async () => {
    for await (const line of followSerial(serialLog, { signal: stop.signal })) {
      consoleSeen = true;
      look(line);
    }
  })().catch(sign.reject);
  const drain = async () => {
    stop.abort();
    await following;
  };
  return {
    failed: sign.promise,
    async finish() {
      await drain();
      if (stopped !== undefined) throw await failure(stopped);
      if (!fetched(answerFile)) throw await failure("the installer ended without its answers");
    },
    reached,
    failure,
    async [Symbol.asyncDispose]() {
      requests[Symbol.dispose]();
      await drain();
    },
  };
}

function describeRequest({ method, path, status }: SeedRequest): string {
  return method === "GET" && status === 200 ? `${path} was fetched` : `${method} ${path}: ${status}`;
}
