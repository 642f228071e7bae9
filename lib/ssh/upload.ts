import { randomUUID } from "node:crypto";
import { messageOf, PimError } from "../errors.ts";
import { execOn, type ExecOptions } from "./exec.ts";
import { guarded, type Limits, type Link } from "./link.ts";
import { shellQuote } from "./quote.ts";
import { openSftp } from "./sftp.ts";
import { pieces, type UploadContent, writeRemoteFile } from "./write_file.ts";

/** Options of an upload. */
export interface UploadOptions extends Limits {
  /** Permissions of the remote file; 0o644 unless given. */
  readonly mode?: number;
}

/**
 * Writes a remote file over SFTP, or through `cat` where the server has no SFTP. A relative path starts at the
 * user's home. The file never has wider permissions than `mode`.
 */
export async function uploadOver(
  link: Link,
  content: UploadContent,
  remotePath: string,
  options: UploadOptions = {},
): Promise<void> {
  const what = `${link.where}: upload of ${remotePath}`;
  const mode = options.mode ?? 0o644;
  const sftp = await guarded(link, what, options, openSftp(link));
  if (sftp === undefined) return await uploadThroughCat(link, what, content, remotePath, mode, options);
  try {
    await guarded(link, what, options, writeRemoteFile(sftp, content, remotePath, { mode }));
  } catch (error) {
    if (error instanceof PimError) throw error;
    throw new PimError(`${what}: ${messageOf(error)}`, { cause: error });
  } finally {
    sftp.end();
  }
}

async function uploadThroughCat(
  link: Link,
  what: string,
  content: UploadContent,
  remotePath: string,
  mode: number,
  options: UploadOptions,
): Promise<void> {
  const limits: ExecOptions = options;
  // Written beside and renamed, so that a failed upload leaves no half of a script behind.
  const part = shellQuote(`${remotePath}.${randomUUID().slice(0, 8)}.part`);
  const command = `umask 077; cat > ${part} && chmod ${mode.toString(8)} ${part} && ` +
    `mv -f ${part} ${shellQuote(remotePath)} || { rm -f ${part}; exit 1; }`;
  const result = await execOn(link, command, { ...limits, stdin: pieces(content) });
  if (result.code !== 0) {
    throw new PimError(
      `${what}: ${result.stderr.trim() || `cat ended with ${result.code ?? result.signal}`}`,
    );
  }
}
