import { HttpError, showUrl } from "../../http/error.ts";
import type { HttpResponse } from "../../http/get.ts";
import { log } from "../../log.ts";
import { withRetries } from "../../http/retry.ts";
import { type Fetching, FileChanged, nextStretch, type Stretch } from "./fetching.ts";
import { receive } from "./receive.ts";
import { openStretch } from "./request.ts";
import { failOver } from "./sources.ts";
import { claimSpace } from "./space.ts";

// A try that got this far was worth it: the count of failures begins anew.
const progressBytes = 1024 * 1024;

/** Fetches all that is missing of a file, over several connections if the server sends parts. */
export async function fetchMissing(fetching: Fetching): Promise<void> {
  try {
    await runLanes(fetching);
  } catch (error) {
    if (!(error instanceof FileChanged)) throw error;
    const { part, key, sources } = fetching;
    log.warn(
      `What ${showUrl(sources.current().url)} sends of ${key} is not all of one file; ` +
        "downloading it from the beginning, over one connection",
    );
    fetching.connections = 1;
    await part.begin(undefined, undefined);
    await runLanes(fetching);
  } finally {
    (await fetching.space?.catch(() => undefined))?.[Symbol.dispose]();
  }
}

/** One lane for each connection; when the first has shown that the server sends parts, the others begin. */
async function runLanes(fetching: Fetching): Promise<void> {
  const { part, options } = fetching;
  const abort = new AbortController();
  const { signal } = abort;
  const onCancel = () => abort.abort();
  options.signal?.addEventListener("abort", onCancel, { once: true });
  if (options.signal?.aborted) onCancel();
  const failures: unknown[] = [];
  const lanes: Promise<void>[] = [];
  const start = (onAnswer?: (response: HttpResponse) => void) => {
    const lane = runLane(fetching, signal, onAnswer).catch((error) => {
      failures.push(error);
      // A server may refuse so many connections; as long as others get on, no harm is done.
      if (!(error instanceof HttpError) || failures.length === lanes.length) abort.abort();
    });
    lanes.push(lane);
  };
  start(({ status }) => {
    while (status === 206 && lanes.length < fetching.connections) start();
  });
  // More may begin meanwhile.
  for (let index = 0; index < lanes.length; index++) await lanes[index];
  options.signal?.removeEventListener("abort", onCancel);
  const final = failures.find((error) => !(error instanceof HttpError));
  if (final !== undefined) throw final;
  if (part.bytes === part.totalBytes) return;
  if (failures.length === lanes.length) throw failures[0];
  await runLane(fetching, options.signal, () => {});
}

/** Fetches one stretch after the other over one connection. */
async function runLane(
  fetching: Fetching,
  signal: AbortSignal | undefined,
  onAnswer?: (response: HttpResponse) => void,
): Promise<void> {
  const { stretches } = fetching;
  fetching.lanes++;
  try {
    for (let stretch = nextStretch(fetching); stretch !== undefined; stretch = nextStretch(fetching)) {
      stretches.add(stretch);
      try {
        await fetchStretch(fetching, stretch, signal, onAnswer);
      } finally {
        stretches.delete(stretch);
      }
    }
  } finally {
    fetching.lanes--;
  }
}

async function fetchStretch(
  fetching: Fetching,
  stretch: Stretch,
  signal: AbortSignal | undefined,
  onAnswer?: (response: HttpResponse) => void,
): Promise<void> {
  let mark = stretch.start;
  const attempt = () =>
    failOver(fetching.sources, async (source) => {
      await using response = await openStretch(fetching, source, stretch, signal);
      await needSpace(fetching);
      onAnswer?.(response);
      await receive(fetching, response, stretch, signal);
    });
  // A server that has too many guests says so: whoever is not alone leaves, and the last one waits.
  const attemptOrLeave = () =>
    attempt().catch((error) => {
      const refused = error instanceof HttpError && [429, 503].includes(error.status ?? 0);
      if (!refused || fetching.lanes === 1) throw error;
      throw new HttpError(error.message, { cause: error, status: error.status });
    });
  await withRetries(attemptOrLeave, {
    ...fetching.options,
    signal,
    hasProgress() {
      const got = stretch.start - mark;
      mark = stretch.start;
      return got >= progressBytes;
    },
  });
}

/** Makes sure of the space for the whole file as soon as its size is known, once. */
async function needSpace(fetching: Fetching): Promise<void> {
  const { part, folder, key } = fetching;
  if (part.totalBytes === undefined) return;
  fetching.space ??= claimSpace(folder, key, () => (part.totalBytes ?? 0) - part.bytes);
  await fetching.space;
}
