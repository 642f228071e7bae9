import type { Installer } from "../../installer/installer.ts";
import { recogniseIso } from "../../installer/installers.ts";
import type { IsoEntry } from "../../iso/catalog/catalog.ts";
import { type Checksum, formatChecksum } from "../../iso/verify/checksum.ts";
import { openIso } from "../../iso/iso9660/iso9660.ts";
import { isoPath } from "../../iso/record.ts";
import { isoStatus } from "../../iso/status.ts";
import type { Origin } from "./keys.ts";
import type { KeptLayer } from "./record.ts";

/**
 * What a build comes from, as far as it can be told without reading a whole ISO or the network: undefined when the ISO
 * has no known checksum yet, or is not here and nothing was ever installed from it.
 */
export async function knownOrigin(
  iso: IsoEntry,
  isoDir: string,
  wanted: Installer["name"] | undefined,
  layersOf: () => Promise<readonly KeptLayer[]>,
): Promise<Origin | undefined> {
  const status = await isoStatus(iso, isoDir);
  const checksum = iso.checksum ?? checksumOf(status);
  if (checksum === undefined) return undefined;
  const isoChecksum = formatChecksum(checksum);
  const here = status.state === "verified" || status.state === "present-unverified";
  const found = here
    ? await recognise(isoPath(iso, isoDir))
    : (await layersOf()).find(({ origin }) => origin.isoChecksum === isoChecksum)?.origin;
  const family = wanted ?? found?.family;
  if (family === undefined) return undefined;
  return { isoChecksum, family, ...(found?.version !== undefined && { version: found.version }) };
}

function checksumOf(status: Awaited<ReturnType<typeof isoStatus>>): Checksum | undefined {
  if (status.state === "verified") return status.checksum;
  return status.state === "present-unverified" ? status.known : undefined;
}

async function recognise(
  path: string,
): Promise<{ readonly family: Installer["name"]; readonly version?: string } | undefined> {
  await using iso = await openIso(path);
  return await recogniseIso(iso);
}
