import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { log } from "../../log.ts";
import { SshError } from "../../ssh/errors.ts";
import { pieces } from "../../ssh/write_file.ts";
import { DeployError } from "../deploy_error.ts";
import type { Connection } from "./connection.ts";
import type { SshHost } from "./host.ts";
import { sendThroughOpenSsh } from "./open_ssh.ts";
import { remoteFreeBytes, remoteSha256 } from "./remote_commands.ts";

/** A file to send, and what has to be known to do so. */
export interface Sending {
  readonly source: string;
  /** Where it goes, under a name of a moment. */
  readonly part: string;
  readonly folder: string;
  /** It has long stretches of zeros, which SFTP need not send. */
  readonly sparse: boolean;
  /** A folder of this host for files of a moment. */
  readonly workDir: string;
  readonly signal: AbortSignal;
  progress(bytes: number, totalBytes: number): void;
}

const tries = 4;

/**
 * Sends a file, going on from what an earlier try has left where that is a beginning of the file. When the connection
 * is lost it is made anew, as long as that brings the file further.
 */
export async function sendFile(ssh: SshHost, sending: Sending): Promise<void> {
  const { signal } = sending;
  let sent = 0;
  for (let failures = 1;; failures++) {
    const before = sent;
    try {
      const connection = failures === 1 && before === 0 ? await ssh.connect() : await ssh.reconnect();
      return await sendOnce(connection, sending, (bytes) => sent = Math.max(sent, bytes));
    } catch (error) {
      if (signal.aborted) throw new CancelledError();
      if (!(error instanceof SshError) || !isPassing(error)) throw error;
      if (sent > before) failures = 1;
      if (failures >= tries) throw error;
      const waitMs = 1000 * 2 ** (failures - 1);
      log.warn(`${error.message}; trying again in ${waitMs / 1000} s`);
      await sleep(waitMs, undefined, { signal }).catch(() => {
        throw new CancelledError();
      });
    }
  }
}

/** Whether it may work a moment later. */
function isPassing({ kind }: SshError): boolean {
  return kind === "lost" || kind === "refused" || kind === "no-banner" || kind === "timeout";
}

async function sendOnce(
  connection: Connection,
  { source, part, folder, sparse, workDir, signal, progress }: Sending,
  onSent: (bytes: number) => void,
): Promise<void> {
  const { size } = await Deno.stat(source);
  await connection.sftp.makeFolder(folder);
  const from = await goodBeginning(connection, { source, part, size, signal });
  if (from > 0) log.info(`going on from ${Math.floor(from / size * 100)}%, which is there already`);
  await checkRoom(connection, { folder, needed: size - from, signal });
  onSent(from);
  progress(from, size);
  const onProgress = (bytes: number) => {
    onSent(bytes);
    progress(bytes, size);
  };
  try {
    const rest = { source, part, from, workDir, signal, onProgress };
    if (!sparse && await sendThroughOpenSsh(connection, rest)) return;
    await connection.sftp.write(part, { path: source }, { mode: 0o644, from, onProgress });
  } catch (error) {
    if (error instanceof SshError || signal.aborted) throw error;
    // SFTP has no words for a full disk.
    const there = (await connection.sftp.stat(part))?.bytes ?? 0;
    await checkRoom(connection, { folder, needed: size - there, signal });
    throw error;
  }
}

/** How much of the file is there already; 0 when what is there is something else. */
async function goodBeginning(
  connection: Connection,
  { source, part, size, signal }: Pick<Sending, "source" | "part" | "signal"> & { readonly size: number },
): Promise<number> {
  const there = (await connection.sftp.stat(part))?.bytes ?? 0;
  if (there === 0 || there > size) return 0;
  const [remote, local] = await Promise.all([
    remoteSha256(connection, part, { signal, bytes: there }),
    sha256OfBeginning(source, there),
  ]);
  return remote === local ? there : 0;
}

async function sha256OfBeginning(path: string, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  let rest = bytes;
  for await (const piece of pieces({ path }, { size: 1024 * 1024, fleeting: true })) {
    hash.update(piece.subarray(0, rest));
    rest -= piece.length;
    if (rest <= 0) break;
  }
  return hash.digest("hex");
}

/** Throws a DeployError when a remote folder has less room than is needed; what cannot tell is believed. */
export async function checkRoom(
  connection: Connection,
  { folder, needed, signal }: {
    readonly folder: string;
    readonly needed: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const free = await remoteFreeBytes(connection, folder, signal);
  if (free === undefined || free >= needed) return;
  const { default: prettyBytes } = await import("pretty-bytes");
  const show = (bytes: number) => prettyBytes(bytes, { binary: true });
  throw new DeployError(
    `There is no room at ${folder}: ${show(needed)} are needed, and ${show(free)} are free`,
    { hint: "Make room there, or set another `path` in targets.d; then the same command goes on." },
  );
}
