import type { Installer } from "../../installer/installer.ts";
import type { SeedRequest, SeedServer } from "../../serve/server.ts";
import type { SyslogReceiver } from "./syslog.ts";
import type { InstallEvidence } from "./evidence.ts";
import type { Watch } from "./watch.ts";

/** What {@linkcode followInstaller} listens to beside the console. */
export interface InstallSources {
  readonly installer: Installer;
  readonly seed: SeedServer;
  readonly syslog: SyslogReceiver;
  readonly progress: (text: string) => void;
}

/** Follows an installer by its log and its requests; its console's lines are handed in. */
export interface InstallFollower extends Disposable {
  readonly console: (line: string) => void;
  /** Begins to tell the watch what is seen. */
  follow(watch: Watch): void;
}

// What is kept of its log as evidence; installer.log has all.
const keptLogLines = 15;

/** Starts listening; disposing of it ends that. */
export function followInstaller({ installer, seed, syslog, progress }: InstallSources): InstallFollower {
  let watch: Watch | undefined;
  let seen: InstallEvidence = {
    answerFile: mainAnswerFile(installer),
    fetched: [],
    refused: [],
    logLines: 0,
    lastLogLines: [],
  };
  const see = (more: Partial<InstallEvidence>) => {
    seen = { ...seen, ...more };
    watch?.see({ install: seen });
  };
  const reach = (line: string) => {
    const milestone = installer.milestone(line);
    if (milestone === undefined || milestone === seen.milestone) return;
    see({ milestone });
    progress(milestone);
  };
  syslog.onLine((line) => {
    see({ logLines: seen.logLines + 1, lastLogLines: [...seen.lastLogLines, line].slice(-keptLogLines) });
    watch?.read(line);
    reach(line);
  });
  const requests = seed.onRequest((request) => {
    const text = describeRequest(request);
    if (request.status === 200) see({ fetched: [...seen.fetched, request.path] });
    else see({ refused: [...seen.refused, text].slice(-keptLogLines) });
    progress(text);
  });
  return {
    console: reach,
    follow(begun) {
      watch = begun;
      watch.see({ install: seen }, "no progress");
    },
    [Symbol.dispose]: () => requests[Symbol.dispose](),
  };
}

/** The answer file without which an installer does not know what to do. */
function mainAnswerFile({ answerFiles }: Installer): string {
  return answerFiles.find((path) => path !== "/meta-data" && path !== "/install.sh") ?? "/install.sh";
}

function describeRequest({ method, path, status }: SeedRequest): string {
  return method === "GET" && status === 200 ? `${path} was fetched` : `${method} ${path}: ${status}`;
}
