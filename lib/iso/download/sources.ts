import { HttpError, showUrl } from "../../http/error.ts";
import { log } from "../../log.ts";

/** A URL that a file may be fetched from. */
export interface Source {
  readonly url: string;
  /** Where its redirects led, so that all of the file comes from the same server. */
  at: string;
  /** How the server names the version of the file that is being fetched, once it has said so. */
  validator: string | undefined;
}

/** The URLs of one file, of which one is in use. */
export interface Sources {
  readonly count: number;
  current(): Source;
  /** Turns from one that failed to the next, unless somebody did already; `drop` takes it out for good. */
  turnFrom(source: Source, drop: boolean): void;
}

/** The sources of one file in the order in which they are tried; there must be one at least. */
export function sourcesOf(first: Source, ...others: readonly Source[]): Sources {
  let sources = [first, ...others];
  let index = 0;
  const current = () => sources[index % sources.length] ?? first;
  return {
    get count() {
      return sources.length;
    },
    current,
    turnFrom(source, drop) {
      const place = sources.indexOf(source);
      if (place === -1 || sources.length === 1) return;
      const next = source === current() ? sources[(place + 1) % sources.length] ?? first : current();
      if (drop) sources = sources.filter((each) => each !== source);
      index = sources.indexOf(next);
    },
  };
}

/** Does something with the source in use; when it fails, with the next, until all have failed. */
export async function failOver<T>(sources: Sources, work: (source: Source) => Promise<T>): Promise<T> {
  const tried = new Set<Source>();
  let failure: HttpError | undefined;
  for (;;) {
    const source = sources.current();
    tried.add(source);
    try {
      return await work(source);
    } catch (error) {
      if (!(error instanceof HttpError)) throw error;
      // One that may come back counts more than one that will not.
      failure = failure?.retryable && !error.retryable ? failure : error;
      sources.turnFrom(source, !error.retryable);
      const next = sources.current();
      if (tried.has(next)) throw failure;
      log.warn(`${error.message}; going on with ${showUrl(next.url)}`);
    }
  }
}
