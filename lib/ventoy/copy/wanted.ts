import type { Architecture } from "../../architecture.ts";
import { hostArchitecture } from "../../architecture.ts";
import type { ConfigFolder } from "../../config/folders.ts";
import { UsageError } from "../../errors.ts";
import { recogniseIso } from "../../installer/installers.ts";
import { findIso, getIso, type IsoEntry } from "../../iso/catalog/catalog.ts";
import { openIso } from "../../iso/iso9660/iso9660.ts";
import { ensureIso } from "../../iso/supply.ts";
import type { IsoFile, IsoOptions } from "../../iso/verify/verify.ts";
import { log } from "../../log.ts";
import { findNamed } from "../../profile/files.ts";
import { loadProfile } from "../../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../../profile/resolved.ts";
import { answerEndings, renderStickAnswer, stickFamily } from "../answers/render.ts";
import { refuseName, stickName } from "../stick/exfat_names.ts";
import { pimFolder } from "../stick/record.ts";

/** An ISO that shall be on the stick, and its file on this host. */
export interface WantedIso {
  readonly entry: IsoEntry;
  readonly file: IsoFile;
}

/** An answer file that shall be on the stick. */
export interface WantedAnswer {
  readonly profile: string;
  /** Key of the ISO that it is for. */
  readonly iso: string;
  /** Path from the top of the stick. */
  readonly file: string;
  readonly text: string;
}

/** All that shall be on the stick. */
export interface Wanted {
  readonly isos: readonly WantedIso[];
  readonly answers: readonly WantedAnswer[];
}

/** What was asked for, by names. */
export interface WantedNames {
  readonly profiles: readonly string[];
  readonly isos: readonly string[];
  readonly architecture?: Architecture;
}

interface ProfileFor {
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  readonly entry: IsoEntry;
}

/** Finds what was asked for, in profiles and catalog, and downloads what is missing. Nothing is written to a stick yet. */
export async function gatherWanted(
  names: WantedNames,
  catalog: readonly IsoEntry[],
  folders: readonly ConfigFolder[],
  isoDir: string,
  options: IsoOptions,
): Promise<Wanted> {
  const plain = names.isos.map((key) => getIso(key, catalog));
  const profiles: ProfileFor[] = [];
  for (const name of new Set(names.profiles)) {
    profiles.push(await profileFor(name, names.architecture, catalog, folders));
  }
  checkProfiles(profiles.map(({ profile }) => profile.name));
  const entries = [...new Set([...profiles.map(({ entry }) => entry), ...plain])];
  checkNames(entries);
  const isos: WantedIso[] = [];
  for (const entry of entries) isos.push({ entry, file: await ensureIso(entry, isoDir, options) });
  const answers: WantedAnswer[] = [];
  for (const each of profiles) {
    const iso = isos.find(({ entry }) => entry === each.entry) as WantedIso;
    answers.push(await answerFor(each, iso, folders));
  }
  return { isos, answers };
}

async function profileFor(
  name: string,
  wanted: Architecture | undefined,
  catalog: readonly IsoEntry[],
  folders: readonly ConfigFolder[],
): Promise<ProfileFor> {
  const { value } = await loadProfile(folders, name);
  const architecture = wanted ?? value.architectures?.[0] ?? hostArchitecture();
  const profile = resolveProfile(name, value, architecture);
  if (profile.iso === undefined) {
    throw new UsageError(`Profile ${name} names no ISO, so there is nothing to install it from`, {
      hint: `Write iso: "debian-13-{arch}-netinst" or the like in profiles.d/${name}.ts`,
    });
  }
  return { profile, architecture, entry: findIso(profile.iso, catalog, architecture) };
}

function checkProfiles(names: readonly string[]): void {
  for (const name of names) {
    const twin = names.find((each) => each !== name && sameName(each, name));
    if (twin === undefined) continue;
    throw new UsageError(`The profiles ${name} and ${twin} would have the same folder on the stick`, {
      hint: "exFAT does not tell names apart by their case: give one of them another name.",
    });
  }
}

function checkNames(entries: readonly IsoEntry[]): void {
  for (const { key, filename } of entries) {
    const why = refuseName(filename);
    if (why !== undefined) {
      throw new UsageError(
        `The ISO ${key} cannot be stored as ${JSON.stringify(filename)} on a stick: ${why}`,
        {
          hint: "Set another `filename` in isos.d.",
        },
      );
    }
    const twin = entries.find((each) => each.key !== key && sameName(each.filename, filename));
    if (twin === undefined) continue;
    throw new UsageError(`The ISOs ${key} and ${twin.key} would both be ${filename} on the stick`, {
      hint: "Give one of them another `filename` in isos.d.",
    });
  }
}

/** exFAT keeps the case of names but does not tell them apart by it. */
export function sameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

async function answerFor(
  { profile, architecture, entry }: ProfileFor,
  { file }: WantedIso,
  folders: readonly ConfigFolder[],
): Promise<WantedAnswer> {
  const { name, partitioning } = profile;
  const family = stickFamily(profile.installer ?? await familyOf(file.path, entry.key), name);
  if (/^\/dev\/vd/.test(partitioning.disk ?? "")) {
    log.warn(`Profile ${name} installs on ${partitioning.disk}, which only virtual machines have`);
  }
  const text = await renderStickAnswer({
    profile,
    architecture,
    family,
    find: async (folder, endings) => (await findNamed(folders, folder, name, endings))?.path,
  });
  const path = `/${pimFolder}/${stickName(name)}/${stickName(entry.key)}.${answerEndings[family]}`;
  return { profile: name, iso: entry.key, file: path, text };
}

async function familyOf(path: string, key: string): Promise<string> {
  await using iso = await openIso(path);
  const found = await recogniseIso(iso);
  if (found !== undefined) return found.family;
  throw new UsageError(`The ISO ${key} holds no installer that pim knows`, {
    hint: 'If it is one of Debian or Ubuntu all the same, say so in the profile: installer: "debian"',
  });
}
