import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { log } from "../../log.ts";
import { DeployError } from "../deploy_error.ts";
import type { ActionContext } from "../target.ts";
import { type Virsh, VirshError } from "./virsh.ts";
import {
  deleteVolume,
  findPool,
  findVolume,
  readVolume,
  refreshPool,
  type VolumeName,
  writeVolume,
} from "./volumes.ts";

// The beginning of a file, without which QEMU takes it for nothing. It is written last, when the rest is proved.
const headBytes = 65_536;
// After each of these it is written down how far the upload is.
const stretchBytes = 256 * 1024 * 1024;
const tries = 3;

/** A file that is to become a volume. */
export interface Upload extends VolumeName {
  readonly source: string;
  readonly sha256: string;
  /** How much of it an earlier run has brought there. */
  readonly sent: number;
  /** Throws where the file itself is no longer what was built. */
  checkSource?(): Promise<void>;
}

/**
 * Brings a file into a new volume, or goes on with one that was begun. Until all of it is there and its checksum was
 * compared, a mark stands in the place of its beginning, so that nothing takes half an image for a whole one.
 */
export async function uploadVolume(
  virsh: Virsh,
  upload: Upload,
  { signal, progress }: ActionContext,
  onSent: (bytes: number) => Promise<void>,
): Promise<void> {
  const { size } = await Deno.stat(upload.source);
  const head = Math.min(headBytes, size);
  const begun = await findVolume(virsh, upload) !== undefined;
  if (!begun) await createVolume(virsh, upload, size);
  let sent = begun ? Math.max(head, upload.sent) : head;
  if (sent > head) log.info(`going on from ${Math.floor(sent / size * 100)}%, which is there already`);
  await onSent(sent);
  while (sent < size) {
    const length = Math.min(stretchBytes, size - sent);
    await withTries(signal, () =>
      writeVolume(
        virsh,
        upload,
        { offset: sent, length },
        stretch(upload.source, sent, length, (bytes) => progress(bytes, size)),
      ));
    sent += length;
    await onSent(sent);
  }
  await compare(virsh, upload, { head, size }, progress);
  await writeVolume(virsh, upload, { offset: 0, length: head }, stretch(upload.source, 0, head));
  // libvirt looks anew at what the volume is.
  await refreshPool(virsh, upload.pool);
}

async function createVolume(virsh: Virsh, { pool, volume, sha256 }: Upload, size: number): Promise<void> {
  const { freeBytes } = await findPool(virsh, pool);
  if (freeBytes < size) {
    const { default: prettyBytes } = await import("pretty-bytes");
    const [needed, free] = [size, freeBytes].map((bytes) => prettyBytes(bytes, { binary: true }));
    throw new DeployError(
      `There is no room in the pool ${pool}: ${needed} are needed, and ${free} are free`,
      {
        hint: "Make room there, or set another `pool` in targets.d.",
      },
    );
  }
  await virsh.ask(
    ...["vol-create-as", "--pool", pool, "--name", volume, "--capacity", `${size}B`],
    ...["--allocation", "0", "--format", "raw"],
  );
  const mark = markOf(sha256);
  await writeVolume(virsh, { pool, volume }, { offset: 0, length: mark.length }, once(mark));
}

function markOf(sha256: string): Uint8Array {
  return new TextEncoder().encode(`pim: an upload that is not finished: ${sha256}\n`);
}

/** Whether a volume is an upload of this very file that was cut short. */
export async function isUnfinished(virsh: Virsh, name: VolumeName, sha256: string): Promise<boolean> {
  const mark = markOf(sha256);
  let text = "";
  await readVolume(virsh, name, { offset: 0, length: mark.length }, (bytes) => {
    text += String.fromCharCode(...bytes);
  });
  return text === new TextDecoder().decode(mark);
}

async function compare(
  virsh: Virsh,
  upload: Upload,
  { head, size }: { readonly head: number; readonly size: number },
  progress: ActionContext["progress"],
): Promise<void> {
  const hash = createHash("sha256");
  for await (const piece of stretch(upload.source, 0, head)) hash.update(piece);
  let done = head;
  if (size > head) {
    await readVolume(virsh, upload, { offset: head, length: size - head }, (piece) => {
      hash.update(piece);
      done += piece.length;
      progress(done, size);
    });
  }
  const found = hash.digest("hex");
  if (found === upload.sha256) return;
  await deleteVolume(virsh, upload);
  await upload.checkSource?.();
  throw new DeployError(
    `What arrived in the volume ${upload.pool}/${upload.volume} has the SHA-256 ${found}, not ${upload.sha256}`,
    { hint: "It was removed. Try again; if that stays so, look at the disk and the memory of that host." },
  );
}

async function* stretch(
  path: string,
  from: number,
  length: number,
  onRead?: (position: number) => void,
): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  await file.seek(from, Deno.SeekMode.Start);
  for (let rest = length; rest > 0;) {
    const piece = new Uint8Array(Math.min(1024 * 1024, rest));
    const count = await file.read(piece);
    if (count === null) throw new DeployError(`${path} became shorter while it was read`);
    rest -= count;
    yield piece.subarray(0, count);
    onRead?.(from + length - rest);
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

// What virsh says when its connection breaks, over SSH or to the daemon.
const passing =
  /connection (reset|closed|refused)|broken pipe|end of file|timed out|keepalive|cannot recv data/i;

async function withTries(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  for (let failures = 1;; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof VirshError) || !passing.test(error.said) || failures >= tries) throw error;
      log.warn(`${error.message}; trying again in ${failures} s`);
      await sleep(failures * 1000, undefined, { signal }).catch(() => {
        throw new CancelledError();
      });
    }
  }
}
