import { createHash } from "node:crypto";
import { DeployError } from "../deploy_error.ts";
import type { Ids } from "../target.ts";
import { unescapeXml } from "./domain_xml.ts";
import { type Virsh, VirshError, virshLine } from "./virsh.ts";

/** A volume of a pool, by its names. */
export interface VolumeName {
  readonly pool: string;
  readonly volume: string;
}

/** What libvirt knows of a volume. */
export interface FoundVolume {
  readonly path: string;
  /** Size of its file. */
  readonly bytes: number;
  /** When its file was last changed, in seconds since 1970. */
  readonly modified: string;
}

/** A pool that is in use. */
export interface FoundPool {
  readonly freeBytes: number;
}

const fileTypes = ["dir", "fs", "netfs"];

/** The pool with this name. Throws a DeployError unless it is active and keeps volumes as files. */
export async function findPool(virsh: Virsh, pool: string): Promise<FoundPool> {
  const xml = await virsh.ask("pool-dumpxml", "--pool", pool);
  const type = /<pool type=["'](\w+)["']/.exec(xml)?.[1] ?? "unknown";
  if (!fileTypes.includes(type)) {
    throw new DeployError(`The pool ${pool} is of the type ${type}, and images can only be files`, {
      hint: `Set \`pool\` in targets.d to one of the types ${fileTypes.join(", ")}: ${
        virshLine(virsh.uri, "pool-list", "--details")
      }`,
    });
  }
  const info = await virsh.ask("pool-info", "--bytes", "--pool", pool);
  if (!/^State:\s+running$/m.test(info)) {
    throw new DeployError(`The pool ${pool} is not active`, {
      hint: `Start it: ${virshLine(virsh.uri, "pool-start", pool)}`,
    });
  }
  return { freeBytes: Number(/^Available:\s+(\d+)$/m.exec(info)?.[1] ?? Infinity) };
}

/** Has libvirt look at the pool's files anew; while something is written there it will do so later. */
export async function refreshPool(virsh: Virsh, pool: string): Promise<void> {
  try {
    await virsh.ask("pool-refresh", "--pool", pool);
  } catch (error) {
    if (!(error instanceof VirshError) || !/asynchronous jobs/i.test(error.said)) throw error;
  }
}

/** A volume as it is now, or undefined. */
export async function findVolume(
  virsh: Virsh,
  { pool, volume }: VolumeName,
): Promise<FoundVolume | undefined> {
  const xml = await virsh.askIfThere("vol-dumpxml", "--vol", volume, "--pool", pool);
  if (xml === undefined) return undefined;
  const path = /<path>([^<]*)<\/path>/.exec(xml)?.[1];
  if (path === undefined) {
    throw new DeployError(`${virsh.uri} does not tell where the volume ${pool}/${volume} is`);
  }
  return {
    path: unescapeXml(path),
    bytes: Number(/<physical[^>]*>(\d+)</.exec(xml)?.[1] ?? NaN),
    modified: /<mtime>([^<]*)</.exec(xml)?.[1] ?? "",
  };
}

/** Removes a volume; nothing happens when it is not there. */
export async function deleteVolume(virsh: Virsh, { pool, volume }: VolumeName): Promise<void> {
  await virsh.askIfThere("vol-delete", "--vol", volume, "--pool", pool);
}

/** Calls back with the bytes of a volume, from an offset on. */
export async function readVolume(
  virsh: Virsh,
  { pool, volume }: VolumeName,
  { offset, length }: { readonly offset: number; readonly length: number },
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  await virsh.pipe([
    ...["vol-download", "--vol", volume, "--pool", pool, "--file", "/dev/stdout"],
    ...["--offset", String(offset), "--length", String(length)],
  ], { onStdout: onBytes });
}

/** Writes into a volume at an offset; `length` is how many bytes that are. */
export async function writeVolume(
  virsh: Virsh,
  { pool, volume }: VolumeName,
  { offset, length }: { readonly offset: number; readonly length: number },
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  await virsh.pipe([
    ...["vol-upload", "--vol", volume, "--pool", pool, "--file", "/dev/stdin"],
    ...["--offset", String(offset), "--length", String(length)],
  ], { stdin: content });
}

/** The SHA-256 of a volume's file in hexadecimal. */
export async function volumeSha256(virsh: Virsh, name: VolumeName, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  await readVolume(virsh, name, { offset: 0, length: bytes }, (piece) => hash.update(piece));
  return hash.digest("hex");
}

/** Whether a volume is still what a deployment has made of it, by what was written down and else by its checksum. */
export async function isUnchanged(
  virsh: Virsh,
  name: VolumeName,
  ids: Ids,
  sha256: string,
): Promise<boolean> {
  const found = await findVolume(virsh, name);
  if (found === undefined || String(found.bytes) !== ids.bytes) return false;
  return found.modified === ids.modified || await volumeSha256(virsh, name, found.bytes) === sha256;
}
