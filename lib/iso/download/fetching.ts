import type { HttpOptions } from "../../http/get.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import type { IsoOptions } from "../verify/verify.ts";
import type { GrowingPart } from "./growing_part.ts";
import { addRange, type ByteRanges, contiguousBytes, firstGap } from "./ranges.ts";
import type { Sources } from "./sources.ts";

/** Some of a file that one connection fetches: `start` moves on as the bytes come in. */
export interface Stretch {
  start: number;
  /** Undefined: to the end, wherever that is. */
  end: number | undefined;
}

/** A file that is being fetched over HTTP. */
export interface Fetching {
  readonly key: string;
  /** The URL of the catalog entry. */
  readonly url: string;
  readonly folder: string;
  readonly part: GrowingPart;
  readonly sources: Sources;
  /** Whether a checksum decides at the end, so that bytes of several servers may be put together. */
  readonly verifiable: boolean;
  readonly options: IsoOptions;
  readonly http: HttpOptions;
  /** How many connections may be used; one after the server turned out to be unfit for more. */
  connections: number;
  /** How many connections are in use. */
  lanes: number;
  /** The stretches under way. */
  readonly stretches: Set<Stretch>;
  /** The URLs that bytes came from. */
  readonly used: Set<string>;
  /** Whether some bytes are from an earlier run. */
  resumed: boolean;
  /** The space on the disk that is counted on. */
  space: Promise<Disposable> | undefined;
}

// Small enough that the hash is never far behind what has come, large enough that asking costs nothing.
const defaultStretchBytes = 16 * 1024 * 1024;

/** How much one connection fetches at a time; undefined for all that there is. */
export function maxStretchBytes({ connections, options }: Fetching): number | undefined {
  return connections > 1 ? options.stretchBytes ?? defaultStretchBytes : undefined;
}

/** The next bytes that nobody fetches yet; undefined when there are none. */
export function nextStretch(fetching: Fetching): Stretch | undefined {
  const { part, stretches } = fetching;
  const maxBytes = maxStretchBytes(fetching);
  if (part.totalBytes === undefined) {
    if (stretches.size > 0) return undefined;
    const start = contiguousBytes(part.ranges);
    return { start, end: start > 0 ? undefined : maxBytes };
  }
  const taken = [...stretches].reduce<ByteRanges>(
    (ranges, { start, end }) => addRange(ranges, { start, end: end ?? Infinity }),
    part.ranges,
  );
  return firstGap(taken, part.totalBytes, maxBytes ?? Infinity);
}

/** Tells how far it is. */
export function report({ key, part, options }: Fetching): void {
  options.onProgress?.({ key, phase: "download", bytes: part.bytes, totalBytes: part.totalBytes });
}

/** The error for a transfer that ended too early. */
export function brokenOff({ part }: Fetching, url: string, why: string): HttpError {
  const got = part.totalBytes === undefined ? "" : ` after ${part.bytes} of ${part.totalBytes} bytes`;
  return new HttpError(`Cannot fetch ${showUrl(url)}: ${why}${got}`, { retryable: true });
}

/** Thrown while several connections are at work when the file on the server is not the one that was begun. */
export class FileChanged extends Error {
  override readonly name = "FileChanged";
}
