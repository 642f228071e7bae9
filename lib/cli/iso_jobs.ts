import { CancelledError, messageOf, PimError } from "../errors.ts";
import type { IsoEntry } from "../iso/catalog/catalog.ts";
import { formatChecksum } from "../iso/verify/checksum.ts";
import type { IsoFile, IsoOptions } from "../iso/verify/verify.ts";
import { log } from "../log.ts";
import type { PimContext } from "./context.ts";
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
  { json, jobs, work, render }: IsoJobs<T>,
): Promise<void> {
  const files = new Map<IsoEntry, T>();
  const failures: PimError[] = [];
  const abort = new AbortController();
  const { signal } = abort;
  context.signal.addEventListener("abort", () => abort.abort(), { once: true });
  if (context.signal.aborted) abort.abort();
  const queue = [...new Set(entries)];
  const count = queue.length;
  {
    using progress = await isoProgress(context, count);
    const runOne = async (entry: IsoEntry): Promise<void> => {
      try {
        const file = await work(entry, { signal, onProgress: progress.show });
        files.set(entry, file);
        progress.done(entry.key);
        if (!json) progress.print(render(file));
      } catch (error) {
        progress.done(entry.key);
        if (!(error instanceof PimError) || error instanceof CancelledError || count === 1) {
          abort.abort();
          throw error;
        }
        log.warn(messageOf(error));
        failures.push(error);
      }
    };
    const runLane = async (): Promise<void> => {
      for (let entry = queue.shift(); entry !== undefined; entry = queue.shift()) await runOne(entry);
    };
    const lanes = await Promise.allSettled(Array.from({ length: Math.min(jobs, count) }, runLane));
    const failed = lanes.filter((lane) => lane.status === "rejected").map(({ reason }) => reason);
    // Those that were ended because of another say no more than that.
    if (failed.length > 0) throw failed.find((error) => !(error instanceof CancelledError)) ?? failed[0];
  }
  if (json) {
    const found = entries.map((entry) => files.get(entry)).filter((file) => file !== undefined);
    context.print(
      JSON.stringify(found.map((file) => ({ ...file, checksum: formatChecksum(file.checksum) })), null, 2),
    );
  }
  const [first] = failures;
  if (first === undefined) return;
  throw new PimError(`${failures.length} of ${count} ISOs failed; the warnings above say why`, {
    exitCode: first.exitCode,
    hint: first.hint,
  });
}
