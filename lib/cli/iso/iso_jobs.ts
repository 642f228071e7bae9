import { CancelledError, messageOf, PimError } from "../../errors.ts";
import type { IsoEntry } from "../../iso/catalog/catalog.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import type { IsoFile, IsoOptions } from "../../iso/verify/verify.ts";
import { log } from "../../log.ts";
import type { PimContext } from "../context.ts";
import { isoProgress } from "./iso_progress.ts";

/** What is to be done with some ISOs. */
export interface IsoJobs<T extends IsoFile> {
  readonly json: boolean;
  /** How many are worked on at the same time. */
  readonly jobs: number;
  readonly work: (entry: IsoEntry, options: Pick<IsoOptions, "signal" | "onProgress">) => Promise<T>;
  /** The line that is printed when one is done. */
  readonly render: (file: T) => string;
}

/** Does something to each ISO, to some at a time; what fails does not keep the others from their turn. */
export async function forEachIso<T extends IsoFile>(
  context: PimContext,
  entries: readonly IsoEntry[],
  jobs: IsoJobs<T>,
): Promise<void> {
  const chosen = [...new Set(entries)];
  const results = await runJobs(context, chosen, jobs);
  const outcomes = chosen.map((entry) => results.get(entry)).filter((result) => result !== undefined);
  const files = outcomes.flatMap((result) => result instanceof PimError ? [] : [result]);
  if (jobs.json) {
    context.print(
      JSON.stringify(files.map((file) => ({ ...file, checksum: formatChecksum(file.checksum) })), null, 2),
    );
  }
  const failures = outcomes.flatMap((result) => result instanceof PimError ? [result] : []);
  const [first] = failures;
  if (first === undefined) return;
  throw new PimError(`${failures.length} of ${chosen.length} ISOs failed; the warnings above say why`, {
    exitCode: first.exitCode,
    hint: first.hint,
  });
}

/** What came of each: a file, or why not. Throws what ends all of them, and the failure of a single one. */
async function runJobs<T extends IsoFile>(
  context: PimContext,
  entries: readonly IsoEntry[],
  { json, jobs, work, render }: IsoJobs<T>,
): Promise<ReadonlyMap<IsoEntry, T | PimError>> {
  const results = new Map<IsoEntry, T | PimError>();
  const abort = new AbortController();
  const onCancel = () => abort.abort();
  context.signal.addEventListener("abort", onCancel, { once: true });
  if (context.signal.aborted) onCancel();
  using progress = await isoProgress(context, entries.length);
  const runOne = async (entry: IsoEntry): Promise<void> => {
    try {
      const file = await work(entry, { signal: abort.signal, onProgress: progress.show });
      results.set(entry, file);
      if (!json) progress.print(render(file));
    } catch (error) {
      if (!(error instanceof PimError) || error instanceof CancelledError || entries.length === 1) {
        abort.abort();
        throw error;
      }
      log.warn(messageOf(error));
      results.set(entry, error);
    } finally {
      progress.done(entry.key);
    }
  };
  const queue = [...entries];
  const runLane = async (): Promise<void> => {
    for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) await runOne(entry);
  };
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(jobs, entries.length) }, runLane));
  context.signal.removeEventListener("abort", onCancel);
  const failed = lanes.filter((lane) => lane.status === "rejected").map(({ reason }) => reason);
  // Those that were ended because of another say no more than that.
  if (failed.length > 0) throw failed.find((error) => !(error instanceof CancelledError)) ?? failed[0];
  return results;
}
