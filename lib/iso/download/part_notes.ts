import { messageOf } from "../../errors.ts";
import { log } from "../../log.ts";
import { bootId } from "./boot.ts";
import { type PartFiles, type PartIdentity, removePartState, writePartState } from "./part.ts";
import { type ByteRanges, clipRanges } from "./ranges.ts";

/** What is to be written down of a .part file. */
export interface Notable {
  /** Undefined as long as it could not be continued. */
  readonly identity: PartIdentity | undefined;
  readonly ranges: ByteRanges;
}

/** Writes down now and then what a .part file has, so that it can be continued after a kill at any moment. */
export interface PartNotes {
  /** Says that there is something new to write down. */
  readonly touch: () => void;
  /** Writes down what is new; false when that is not possible. */
  save(): Promise<boolean>;
  /** Removes what was written, since the file is emptied. */
  clear(): Promise<void>;
  /** Forgets what was synced beyond a size, since the file is made shorter. */
  clip(bytes: number): void;
  /** Ends the writing now and then. */
  stop(): void;
}

const intervalMs = 250;
// A sync of all that came meanwhile: not too often, nor so seldom that much is lost with the power.
const intervalsPerSync = 20;

/** Begins to take notes of an open .part file. */
export async function takeNotes(
  files: PartFiles,
  file: Deno.FsFile,
  earlierSynced: ByteRanges,
  look: () => Notable,
): Promise<PartNotes> {
  const boot = await bootId();
  let synced = earlierSynced;
  let hasNews = false;
  let saving = Promise.resolve(true);
  let intervals = 0;

  async function save(sync: boolean): Promise<boolean> {
    const before = look();
    if (before.identity === undefined || !hasNews) return true;
    hasNews = false;
    try {
      if (sync) {
        await file.syncData();
        synced = before.ranges;
      }
      const { identity, ranges } = look();
      // It may have been emptied meanwhile.
      if (identity !== undefined) {
        await writePartState(files, { ...identity, written: ranges, synced, boot }, sync);
      }
      return true;
    } catch (error) {
      // The earlier notes are still true; what they do not know of is fetched again.
      log.debug(`Cannot write ${files.state}: ${messageOf(error)}`);
      hasNews = true;
      return false;
    }
  }
  const saveInTurn = (sync: boolean) => saving = saving.then(() => save(sync));
  const timer = setInterval(() => saveInTurn(++intervals % intervalsPerSync === 0), intervalMs);

  return {
    touch: () => void (hasNews = true),
    save: () => saveInTurn(false),
    async clear() {
      await saving;
      synced = [];
      await removePartState(files);
    },
    clip: (bytes) => void (synced = clipRanges(synced, bytes)),
    stop: () => clearInterval(timer),
  };
}
