import { dirname, join } from "node:path";
import { messageOf, PimError, UsageError } from "../../errors.ts";
import { exists, lockFile, readTextIfThere, removeIfThere } from "../../files.ts";
import { toIsoEntry } from "../../iso/catalog/entry.ts";
import { downloadIso } from "../../iso/download/download.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import type { IsoOptions } from "../../iso/verify/verify.ts";
import { log } from "../../log.ts";
import { run } from "../../process.ts";
import { checkArchive } from "./archive.ts";
import type { VentoyRelease } from "./release.ts";

/** A Ventoy that is ready to install sticks. */
export interface UnpackedVentoy {
  readonly folder: string;
  /** As its own file `ventoy/version` says. */
  readonly version: string;
  /** Whether it was unpacked just now. */
  readonly fresh: boolean;
}

/** The installer inside an unpacked Ventoy. */
export const installerName = "Ventoy2Disk.sh";

const stamp = ".pim-checksum";

/** Downloads and unpacks Ventoy unless that is done already; its folder is there whole or not at all. */
export async function downloadVentoy(
  release: VentoyRelease,
  options: IsoOptions = {},
): Promise<UnpackedVentoy> {
  const present = await unpackedVentoy(release);
  if (present !== undefined) return present;
  const { folder } = release;
  await using _lock = await lockFile(
    join(dirname(folder), ".lock"),
    () => log.info("Another pim is unpacking Ventoy; waiting for it"),
    options.signal,
  );
  const meanwhile = await unpackedVentoy(release);
  if (meanwhile !== undefined) return meanwhile;
  const archive = await fetchArchive(release, options);
  await unpack(archive, release, options.signal);
  const done = await unpackedVentoy(release);
  if (done === undefined) throw new PimError(`${folder} went away while Ventoy was unpacked`);
  return { ...done, fresh: true };
}

/** The Ventoy of a release as it was unpacked, or undefined when there is none, or that of another release. */
export async function unpackedVentoy(release: VentoyRelease): Promise<UnpackedVentoy | undefined> {
  const { folder, checksum } = release;
  if (!await exists(folder)) return undefined;
  const stamped = await readTextIfThere(join(folder, stamp));
  if (stamped !== undefined && stamped.trim() !== formatChecksum(checksum)) return undefined;
  const version = (await readTextIfThere(join(folder, "ventoy", "version")))?.trim();
  if (version !== undefined && await exists(join(folder, installerName))) {
    return { folder, version, fresh: false };
  }
  throw new UsageError(`${folder} is there and is no Ventoy: it has no ${installerName} and ventoy/version`, {
    hint: "Remove it, or set ventoy.dir in pim.yml to another folder.",
  });
}

async function fetchArchive(release: VentoyRelease, options: IsoOptions): Promise<string> {
  const { url, filename, checksum, folder } = release;
  const entry = toIsoEntry("ventoy", {
    url,
    filename,
    checksum: formatChecksum(checksum),
    architecture: "amd64",
  }, "/");
  try {
    return (await downloadIso(entry, dirname(folder), options)).path;
  } catch (cause) {
    if (!(cause instanceof PimError) || cause.exitCode === 130) throw cause;
    // The words of the ISO catalog would send the reader to isos.d.
    throw new PimError(
      `Cannot download Ventoy: ${cause.message.replaceAll("the ISO that ventoy names", "that release")}`,
      {
        cause,
        exitCode: cause.exitCode,
        hint: "Check ventoy.url and ventoy.checksum in pim.yml, then type again: pim ventoy download",
      },
    );
  }
}

async function unpack(
  archive: string,
  { folder, checksum }: VentoyRelease,
  signal?: AbortSignal,
): Promise<void> {
  const part = join(dirname(folder), `.unpacking-${crypto.randomUUID().slice(0, 8)}`);
  try {
    await removeLeftovers(dirname(folder));
    await checkArchive(archive, signal);
    await Deno.mkdir(part, { recursive: true });
    await run(["tar", "-xf", archive, "-C", part, "--no-same-owner"], { signal });
    const top = await findTop(part, archive);
    await Deno.writeTextFile(join(top, stamp), `${formatChecksum(checksum)}\n`);
    await removeIfThere(folder);
    await Deno.rename(top, folder);
  } catch (cause) {
    if (cause instanceof PimError) throw cause;
    throw new PimError(`Cannot unpack ${archive}: ${messageOf(cause)}`, { cause });
  } finally {
    await removeIfThere(part);
  }
}

/** Removes what a pim that was killed had unpacked so far; the caller holds the lock. */
async function removeLeftovers(folder: string): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name.startsWith(".unpacking-")) await removeIfThere(join(folder, name));
  }
}

async function findTop(part: string, archive: string): Promise<string> {
  const tops = [part];
  for await (const entry of Deno.readDir(part)) if (entry.isDirectory) tops.push(join(part, entry.name));
  for (const top of tops) if (await exists(join(top, installerName))) return top;
  throw new UsageError(`${archive} is no release of Ventoy for Linux: there is no ${installerName} in it`, {
    hint: "ventoy.url in pim.yml must name a ventoy-…-linux.tar.gz.",
  });
}
