import { exitCode, PimError } from "../errors.ts";
import type { Installer } from "../installer/installer.ts";
import { followSerial, lastSerialLines } from "../qemu/serial.ts";
import type { SeedServer } from "../serve/server.ts";
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
  /** Whether the installer has fetched its answer file. */
  answersFetched(): boolean;
  /** How far the installer came, in words. */
  reached(): string;
  /** An error with the place that was reached and the last lines of the console. */
  failure(why: string): Promise<PimError>;
}

/** Starts watching; disposing ends it. */
export function watchInstall(sources: InstallSources): InstallWatch {
  const { installer, seed, syslog, serialLog, progress } = sources;
  const stop = new AbortController();
  const sign = Promise.withResolvers<never>();
  sign.promise.catch(() => {});
  let milestone: string | undefined;
  let consoleSeen = false;

  const answerFile = installer.answerFiles.find((path) => path !== "/meta-data" && path !== "/install.sh");
  const fetched = (path: string | undefined) =>
    seed.requests.some((request) => request.path === path && request.status === 200);
  const reached = () => {
    const stages = [
      fetched("/install.sh") ? "the late command was fetched" : undefined,
      milestone === undefined ? undefined : `the installer was at: ${milestone}`,
      fetched(answerFile) ? `${answerFile} was fetched` : undefined,
      consoleSeen
        ? `the kernel started, but ${answerFile} was not fetched`
        : "nothing came from the serial console",
    ];
    return stages.filter((stage) => stage !== undefined)[0] ?? "";
  };
  const failure = async (why: string) => {
    const lines = await lastSerialLines(serialLog, 15);
    const last = lines === "" ? "" : `\nThe last lines of its console:\n${lines.replace(/^/gm, "  | ")}`;
    return new PimError(`The installation failed: ${why} (${reached()})${last}`, {
      exitCode: exitCode.timeout,
    });
  };
  const look = (line: string) => {
    const found = installer.stopSigns.find(({ pattern }) => pattern.test(line));
    if (found !== undefined) failure(`${found.meaning}: ${line.trim()}`).then(sign.reject);
  };

  syslog.onLine((line) => {
    look(line);
    const text = installer.milestone(line);
    if (text === undefined || text === milestone) return;
    milestone = text;
    progress(text);
  });
  const following = (async () => {
    for await (const line of followSerial(serialLog, { signal: stop.signal })) {
      consoleSeen = true;
      look(line);
      const text = installer.milestone(line);
      if (text !== undefined && text !== milestone) progress(milestone = text);
    }
  })();
  return {
    failed: sign.promise,
    answersFetched: () => fetched(answerFile),
    reached,
    failure,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await following;
    },
  };
}
