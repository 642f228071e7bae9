import type { Architecture } from "../architecture.ts";
import { hostArchitecture } from "../architecture.ts";
import type { Config } from "../config/config.ts";
import { messageOf, UsageError } from "../errors.ts";
import type { IsoEntry } from "../iso/catalog/catalog.ts";
import { findIso, loadCatalog } from "../iso/catalog/catalog.ts";
import { imageName } from "../image/images.ts";
import { provisioningScripts, type Script } from "../profile/files.ts";
import { loadProfile } from "../profile/load.ts";
import { type ResolvedProfile, resolveProfile } from "../profile/resolved.ts";
import { parseDiskSize } from "../qemu/disk_size.ts";
import { didYouMean } from "../suggest.ts";
import { userDigester } from "./layers/digest.ts";
import { type BuildKeys, buildKeys, installPoint, type Origin, scriptPoint } from "./layers/keys.ts";
import { knownOrigin } from "./layers/origin.ts";
import { listLayers } from "./layers/store.ts";

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

/** A provisioning script with the content that runs, whatever becomes of its file meanwhile. */
export interface PlannedScript extends Script {
  readonly content: Uint8Array;
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
  readonly scripts: readonly PlannedScript[];
  readonly diskBytes: number;
  /** Who logs in over SSH to provision. */
  readonly sshUser: string;
  /** The content keys of its layers; undefined while the ISO is not known well enough. */
  readonly keys?: BuildKeys;
  /** Name of a step that is to run again, with everything after it. */
  readonly from?: string;
  /** Whether layers of earlier builds may be used. */
  readonly cache: boolean;
  /** Whether the image is booted and checked before it is registered. */
  readonly verify: boolean;
  /** Port on 127.0.0.1 that is forwarded to the guest's SSH; 0 for any free one. */
  readonly sshPort: number;
  /** Build although nothing has changed; room on disk is only an estimate then, not a condition. */
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
  const scripts = await provisioningScripts(config.folders, request.profile, profile.scripts);
  const plan: BuildPlan = {
    name: imageName(request.profile, architecture, new Date()),
    profile,
    architecture,
    iso: findIso(pattern, await loadCatalog(config.folders), architecture),
    scripts: await Promise.all(scripts.map(readScript)),
    diskBytes: parseDiskSize(profile.build.diskSize),
    sshUser: build.ssh.user ?? profile.username,
    sshPort: build.ssh.port,
    force: request.force ?? false,
    cache: request.cache ?? true,
    verify: request.verify ?? build.verify,
    ...(request.from !== undefined && { from: stepNamed(request.from, scripts) }),
    config,
  };
  const { iso_dir } = config.settings.iso;
  const origin = await knownOrigin(plan.iso, iso_dir, profile.installer, () => listLayers(config.paths));
  return origin === undefined ? plan : await withKeys(plan, origin);
}

/** A plan with the content keys that it has, coming from there; what it depends on is read anew. */
export async function withKeys(plan: BuildPlan, origin: Origin): Promise<BuildPlan> {
  const { paths, folders, settings } = plan.config;
  const source = { ...plan, folders, compression: settings.build.compression };
  return { ...plan, keys: await buildKeys(source, origin, await userDigester(paths)) };
}

async function readScript(script: Script): Promise<PlannedScript> {
  try {
    return { ...script, content: await Deno.readFile(script.path) };
  } catch (cause) {
    throw new UsageError(`Cannot read ${script.path}: ${messageOf(cause)}`, { cause });
  }
}

/** The step that --from names: install, finalize, or a script with or without the word. */
function stepNamed(wanted: string, scripts: readonly Script[]): string {
  const steps = [installPoint, ...scripts.map(({ name }) => scriptPoint(name)), "finalize"];
  const found = steps.find((step) => step === wanted || step === scriptPoint(wanted));
  if (found !== undefined) return found;
  throw new UsageError(`No step ${JSON.stringify(wanted)} can be begun from`, {
    hint: didYouMean(wanted, [...steps, ...scripts.map(({ name }) => name)], `It has: ${steps.join(", ")}`),
  });
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
    warm: settings.build.warm,
    sshTimeoutMinutes: settings.build.ssh.timeout / 60,
  };
  return { ...profile, build: { ...defaults, ...profile.build } };
}
