import { CancelledError, exitCode, messageOf, PimError } from "../../errors.ts";
import { separateConnections } from "../../http/get.ts";
import { HttpError, showUrl } from "../../http/error.ts";
import { log } from "../../log.ts";
import type { Algorithm } from "../../hash.ts";
import type { IsoOptions } from "../verify/verify.ts";
import type { Fetching } from "./fetching.ts";
import { type GrowingPart, growPart } from "./growing_part.ts";
import { fetchMissing } from "./lanes.ts";
import { type PartFiles, readPart } from "./part.ts";
import { type Source, sourcesOf } from "./sources.ts";
import { claimSpace } from "./space.ts";

/** What a transfer is about. */
export interface Transfer {
  readonly key: string;
  /** The URL of the catalog entry. */
  readonly url: string;
  /** The URLs to fetch from, in the order in which they are tried. */
  readonly urls: readonly string[];
  readonly folder: string;
  readonly files: PartFiles;
  readonly algorithm: Algorithm;
  /** Whether a checksum decides at the end. */
  readonly verifiable: boolean;
}

/** A whole .part file. */
export interface Transferred {
  readonly hash: string;
  /** Whether some of it had been there before. */
  readonly resumed: boolean;
  /** The URLs that it came from. */
  readonly used: readonly string[];
}

const defaultConnections = 4;
const pieceBytes = 1024 * 1024;

/** Fetches a file into its .part file, hashing on the way, continuing what is there and after each failure. */
export async function transferHttp(transfer: Transfer, options: IsoOptions): Promise<Transferred> {
  const earlier = await readPart(transfer.files);
  const known = earlier?.state.url === transfer.url ? earlier : undefined;
  await using part = await growPart(transfer, known);
  using connections = separateConnections();
  const http = { stallTimeoutMs: options.stallTimeoutMs, connections };
  const start = (sources: readonly Source[]): Fetching => {
    const [first = newSource(transfer.url), ...others] = sources;
    return {
      ...{ key: transfer.key, url: transfer.url, folder: transfer.folder, verifiable: transfer.verifiable },
      ...{ part, options, http, sources: sourcesOf(first, ...others), stretches: new Set(), used: new Set() },
      connections: options.connections ?? defaultConnections,
      lanes: 0,
      resumed: part.bytes > 0,
      space: undefined,
    };
  };
  const sources = transfer.urls.map(newSource);
  const begun = sources.find(({ url }) => url === known?.state.from);
  if (begun !== undefined && known !== undefined) {
    begun.at = known.state.at;
    begun.validator = known.state.ifRange;
  }
  const fetching = transfer.verifiable
    ? await fetchFrom(start(sources))
    : await fetchFromOne(sources, begun, part, start);
  const report = (bytes: number) =>
    options.onProgress?.({ key: transfer.key, phase: "hash", bytes, totalBytes: part.totalBytes });
  return { hash: await part.finish(report), resumed: fetching.resumed, used: [...fetching.used] };
}

function newSource(url: string): Source {
  return { url, at: url, validator: undefined };
}

async function fetchFrom(fetching: Fetching): Promise<Fetching> {
  await fetchMissing(fetching);
  return fetching;
}

/** Fetches all of the file from one source: without a checksum nothing would tell that two have different files. */
async function fetchFromOne(
  sources: readonly Source[],
  begun: Source | undefined,
  part: GrowingPart,
  start: (sources: readonly Source[]) => Fetching,
): Promise<Fetching> {
  const ordered = begun === undefined ? sources : [begun, ...sources.filter((each) => each !== begun)];
  for (const [index, source] of ordered.entries()) {
    try {
      if (part.bytes > 0 && source !== begun) await part.begin(undefined, undefined);
      return await fetchFrom(start([source]));
    } catch (error) {
      const next = ordered[index + 1];
      if (!(error instanceof HttpError) || next === undefined) throw error;
      log.warn(`${error.message}; downloading it from ${showUrl(next.url)}, from the beginning`);
    }
  }
  throw new PimError("There is no URL to fetch from", { exitCode: exitCode.download });
}

/** Copies a file into the .part file, hashing on the way. */
export async function transferFile(
  path: string,
  transfer: Transfer,
  options: IsoOptions,
): Promise<Transferred> {
  using source = await Deno.open(path).catch((cause) => {
    throw new PimError(`Cannot copy ${path}: ${messageOf(cause)}`, { cause, exitCode: exitCode.download });
  });
  const { size } = await source.stat();
  const { key, folder } = transfer;
  await using part = await growPart(transfer, undefined);
  using _space = await claimSpace(folder, key, () => size - part.bytes);
  using writer = await part.writer(0);
  const buffer = new Uint8Array(pieceBytes);
  for (;;) {
    if (options.signal?.aborted) throw new CancelledError();
    const count = await source.read(buffer);
    if (count === null) break;
    await writer.write(buffer.subarray(0, count));
    options.onProgress?.({ key, phase: "download", bytes: part.bytes, totalBytes: size });
  }
  return { hash: await part.finish(() => {}), resumed: false, used: [transfer.url] };
}
