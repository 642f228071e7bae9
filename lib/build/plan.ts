import type { Architecture } from "../architecture.ts";
import { hostArchitecture } from "../architecture.ts";
import type { Config } from "../config/config.ts";
import { UsageError } from "../errors.ts";
import type { IsoEntry } from "../iso/catalog.ts";
import { findIso, loadCatalog } from "../iso/catalog.ts";
import { imageName } from "../image/images.ts";
import { provisioningScripts, type Script } from "../profile/files.ts";
import { loadProfile } from "../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../profile/resolved.ts";
import { parseDiskSize } from "../qemu/disk_size.ts";

/** What the user asked to build. */
export interface BuildRequest {
  readonly profile: string;
  readonly architecture?: Architecture;
  /** Key or pattern of an ISO, in place of the profile's. */
  readonly iso?: string;
  /** Build although nothing has changed, or there seems to be too little room. */
  readonly force?: boolean;
  /** Name of a step that is to run again, with everything after it. */
  readonly from?: string;
  /** Whether layers of earlier builds may be used; default true. */
  readonly cache?: boolean;
  /** Boot and check the image before it is registered; default: the setting build.verify. */
  readonly verify?: boolean;
}

/** A point of a build at which its disk can be kept. */
export interface LayerPlan {
  /** Name of the step that it is the end of. */
  readonly step: string;
  /** SHA-256 over everything that the disk depends on there, in hex. */
  readonly key: string;
  /** What the step itself depends on, by the names that people know it by, each with the SHA-256 of its content. */
  readonly inputs: Readonly<Record<string, string>>;
}

/** Everything about a build that is known before anything is done. */
export interface BuildPlan {
  /** Name of the image to be, and of everything that belongs to the build: `<profile>-<arch>-<time>`. */
  readonly name: string;
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  readonly iso: IsoEntry;
  readonly scripts: readonly Script[];
  readonly diskBytes: number;
  /** Who logs in over SSH to provision. */
  readonly sshUser: string;
  /** The layers of this build in their order; undefined while the ISO's checksum is not known. */
  readonly layers?: readonly LayerPlan[];
  /** Port on 127.0.0.1 that is forwarded to the guest's SSH; 0 for any free one. */
  readonly sshPort: number;
  /** Whether room on disk is only an estimate to be told, not a condition. */
  readonly force: boolean;
  readonly config: Config;
}

/** Works out a build from the configuration; nothing is written. Throws {@linkcode UsageError} for what is wrong or missing. */
export async function planBuild(config: Config, request: BuildRequest): Promise<BuildPlan> {
  const loaded = await loadProfile(config.folders, request.profile);
  const architecture = chooseArchitecture(request, loaded.value.architectures);
  const profile = resolveProfile(request.profile, withSettings(loaded.value, config), architecture);
  const pattern = request.iso ?? profile.iso;
  if (pattern === undefined) {
    throw new UsageError(`Profile ${request.profile} does not say which ISO it is installed from`, {
      hint: 'Set iso in the profile ("debian-13-{arch}-netinst"), or name one: --iso KEY. See: pim iso list',
    });
  }
  const { build } = config.settings;
  return {
    name: imageName(request.profile, architecture, new Date()),
    profile,
    architecture,
    iso: findIso(pattern, await loadCatalog(config.folders), architecture),
    scripts: await provisioningScripts(config.folders, request.profile, profile.scripts),
    diskBytes: parseDiskSize(profile.build.diskSize),
    sshUser: build.ssh.user ?? profile.username,
    sshPort: build.ssh.port,
    force: request.force ?? false,
    config,
  };
}

function chooseArchitecture(
  request: BuildRequest,
  allowed: readonly Architecture[] | undefined,
): Architecture {
  const host = hostArchitecture();
  const fallback = allowed === undefined || allowed.includes(host) ? host : allowed[0] ?? host;
  const chosen = request.architecture ?? fallback;
  if (allowed === undefined || allowed.includes(chosen)) return chosen;
  throw new UsageError(`Profile ${request.profile} is not made for ${chosen}`, {
    hint: `It has: ${allowed.join(", ")}. Choose one with --arch, or extend architectures in the profile.`,
  });
}

/** The profile over the defaults that pim.yml has for builds. */
function withSettings(profile: Parameters<typeof resolveProfile>[1], { settings }: Config): typeof profile {
  const defaults = {
    diskSize: settings.build.disk_size,
    memoryMiB: settings.build.memory,
    cpus: settings.build.cpus,
    sshTimeoutMinutes: settings.build.ssh.timeout / 60,
  };
  return { ...profile, build: { ...defaults, ...profile.build } };
}
