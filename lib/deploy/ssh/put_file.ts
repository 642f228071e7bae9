import { posix } from "node:path";
import { hashFile } from "../../hash.ts";
import { DeployError } from "../deploy_error.ts";
import type { ActionContext, DeployImage } from "../target.ts";
import type { SshHost } from "./host.ts";
import { sendFile } from "./send.ts";

/** What one deployment is about. */
export interface SshJob {
  readonly image: DeployImage;
  readonly path: string;
  /** The path with the host, for people. */
  readonly where: string;
  /** Takes the place of what has its name. */
  readonly replace: boolean;
}

/** The name that a file has until it is whole. */
export function partOf(path: string): string {
  return posix.join(posix.dirname(path), `.${posix.basename(path)}.part`);
}

/** Where the UEFI variables of an image are. */
export function varsOf(path: string): string {
  return path.replace(/\.[a-z0-9]+$/, "-efi-vars.fd");
}

/** Where the checksum of an image is. */
export function checksumOf(path: string): string {
  return `${path}.sha256`;
}

/** An image that has its name, its checksum, and what is left of the files beside it whose writing was cut short. */
export function filesOf(path: string): string[] {
  const checksum = checksumOf(path);
  return [path, checksum, partOf(checksum), partOf(varsOf(path))];
}

/** Sends the image's file, or what was made of it, and gives it its name; nothing is sent that is there already. */
export async function putFile(
  ssh: SshHost,
  source: string,
  sha256: string,
  job: SshJob,
  context: ActionContext,
): Promise<void> {
  const { path } = job;
  const { sftp } = await ssh.connect();
  await context.made({ part: partOf(path), sha256 });
  const { size } = await Deno.stat(source);
  // Only a file that may be ours: who forces another in its place has it sent.
  if (!job.replace && (await sftp.stat(path))?.bytes === size && await ssh.sha256(path) === sha256) {
    return await writeDown(ssh, sha256, job, context);
  }
  await sendChecked(ssh, source, sha256, partOf(path), job, context);
  await giveName(ssh, sha256, job, context);
}

/** Sends a file under a name of a moment and has its checksum compared over there. */
export async function sendChecked(
  ssh: SshHost,
  source: string,
  sha256: string,
  part: string,
  { image, path, where }: SshJob,
  { signal, progress, workDir }: ActionContext,
): Promise<void> {
  const sparse = source !== image.path && ssh.settings.format === "raw";
  const sending = { source, part, folder: posix.dirname(path), sparse, workDir, signal, progress };
  await sendFile(ssh, sending);
  const sent = await ssh.sha256(part);
  if (sent === sha256) return;
  await (await ssh.connect()).sftp.remove(part);
  if (await hashFile(source, "sha256", { signal }) === sha256) {
    throw new DeployError(
      `Cannot deploy ${image.entry.name} to ${where}: what arrived there has the SHA-256 ${sent}, not ${sha256}`,
      { hint: "It was removed. Try again; if that stays so, look at the disk and the memory of that host." },
    );
  }
  throw new DeployError(`Cannot deploy ${image.entry.name}: ${source} is not what was built`, {
    hint: `Build it again: pim build run ${image.entry.profile} --force`,
  });
}

/** Gives a file that is whole its name. */
export async function giveName(
  ssh: SshHost,
  sha256: string,
  job: SshJob,
  context: ActionContext,
): Promise<void> {
  const { path, where, replace } = job;
  const { sftp } = await ssh.connect();
  // Known before it has its name: whoever is killed in between finds it again by that.
  await context.made({ sha256 });
  if (!replace && await sftp.stat(path) !== undefined) {
    throw new DeployError(`Cannot deploy to ${where}: something else has come there in the meantime`, {
      hint: "Move it away, or replace it with --force.",
    });
  }
  // It is that of the file which has the name now.
  if (replace) await sftp.remove(checksumOf(path));
  await sftp.rename(partOf(path), path, { replace });
  await writeDown(ssh, sha256, job, context);
}

async function writeDown(
  ssh: SshHost,
  sha256: string,
  { path, where }: SshJob,
  context: ActionContext,
): Promise<void> {
  const found = await (await ssh.connect()).sftp.stat(path);
  if (found === undefined) throw new DeployError(`Cannot deploy to ${where}: the file has gone from there`);
  await context.made({ path, sha256, bytes: String(found.bytes), modified: String(found.modifiedSeconds) });
}
