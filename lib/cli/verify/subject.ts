import type { Architecture } from "../../architecture.ts";
import { scriptEnvironment } from "../../build/guest/script.ts";
import type { Config } from "../../config/config.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { hideSecret } from "../../log.ts";
import { findProfile, loadProfile } from "../../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../../profile/resolved.ts";
import { findVerificationScript, type Subject } from "../../verify/subject.ts";

/** An image whose measure is looked for; one that pim did not build has no entry. */
export interface Measured {
  readonly architecture: Architecture;
  readonly image?: ImageEntry;
}

/** What an image is measured by, and how its machines are made; a profile by name takes the place of the image's own. */
export async function subjectOf(
  config: Config,
  { architecture, image }: Measured,
  wanted?: string,
): Promise<Omit<Subject, "source">> {
  const profile = await profileOf(config, { architecture, ...(image !== undefined && { image }) }, wanted);
  const { memory, cpus } = config.settings.build;
  const known = typeof profile === "string" ? undefined : profile;
  const script = known && await findVerificationScript(config.folders, known.name);
  hideSecret(known?.password);
  return {
    memoryMiB: known?.build.memoryMiB ?? memory,
    cpus: known?.build.cpus ?? cpus,
    guestSshPort: image?.sshPort ?? 22,
    profile,
    ...(known !== undefined && script !== undefined && {
      script: { ...script, env: scriptEnvironment(known, architecture) },
    }),
  };
}

/** How long the system of an image may take to come up. */
export function bootTimeoutMs({ settings }: Config, { profile }: Pick<Subject, "profile">): number {
  const { timeout } = settings.build.ssh;
  return (typeof profile === "string" ? timeout / 60 : profile.build.sshTimeoutMinutes) * 60_000;
}

/** The profile that an image is measured by, or why there is none. */
async function profileOf(
  { folders, settings }: Config,
  { image, architecture }: Measured,
  wanted: string | undefined,
): Promise<ResolvedProfile | string> {
  const name = wanted ?? image?.profile;
  if (name === undefined) return "no profile is known of the file (name one: --profile)";
  if (wanted === undefined && await findProfile(folders, name) === undefined) {
    return `there is no profile ${name} any more`;
  }
  const { value } = await loadProfile(folders, name);
  const { memory, cpus, ssh } = settings.build;
  const defaults = { memoryMiB: memory, cpus, sshTimeoutMinutes: ssh.timeout / 60 };
  return resolveProfile(name, { ...value, build: { ...defaults, ...value.build } }, architecture);
}
