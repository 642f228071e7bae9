import type { Architecture } from "../architecture.ts";
import type { BuildOptions, Partitioning, Profile, Var } from "./types.ts";

/** The build section of a profile with every default filled in. */
export type ResolvedBuild = Readonly<Required<Omit<BuildOptions, "kernelArgs" | "qemuArgs">>> & {
  readonly kernelArgs: readonly string[];
  readonly qemuArgs: readonly string[];
};

/** A profile with the defaults that types.ts documents filled in; what is still optional has no default. */
export interface ResolvedProfile {
  readonly name: string;
  readonly description?: string;
  readonly username: string;
  readonly password?: string;
  readonly passwordHash?: string;
  readonly fullname: string;
  readonly sshAuthorizedKeys: readonly string[];
  readonly rootLogin: boolean;
  readonly locale: string;
  readonly keyboard: string;
  readonly timezone: string;
  readonly hostname: string;
  /** Empty when the machine has no domain. */
  readonly domain: string;
  readonly mirrorHost?: string;
  readonly mirrorPath?: string;
  readonly httpProxy?: string;
  readonly partitioning: Readonly<Required<Omit<Partitioning, "disk">>> & { readonly disk?: string };
  readonly tasksel: readonly string[];
  readonly packages: readonly string[];
  readonly grubDevice?: string;
  readonly installer?: "debian" | "ubuntu";
  readonly iso?: string;
  readonly architectures: readonly Architecture[];
  readonly scripts: readonly string[];
  readonly answers: readonly string[] | { readonly [key: string]: Var };
  readonly build: ResolvedBuild;
  readonly vars: { readonly [name: string]: Var };
}

/** Fills the defaults of a profile for one architecture; empty texts count as not given. */
export function resolveProfile(name: string, profile: Profile, architecture: Architecture): ResolvedProfile {
  const username = profile.username || "pim";
  return {
    name,
    description: profile.description || undefined,
    username,
    password: profile.password || undefined,
    passwordHash: profile.passwordHash || undefined,
    fullname: profile.fullname || username,
    sshAuthorizedKeys: profile.sshAuthorizedKeys ?? [],
    rootLogin: profile.rootLogin ?? false,
    locale: profile.locale || "en_US.UTF-8",
    keyboard: profile.keyboard || "us",
    timezone: profile.timezone || "UTC",
    hostname: profile.hostname || hostnameOf(name),
    domain: profile.domain ?? "",
    mirrorHost: profile.mirrorHost || undefined,
    mirrorPath: profile.mirrorPath || undefined,
    httpProxy: profile.httpProxy || undefined,
    partitioning: {
      method: profile.partitioning?.method ?? "regular",
      recipe: profile.partitioning?.recipe || "atomic",
      disk: profile.partitioning?.disk || undefined,
      filesystem: profile.partitioning?.filesystem ?? "ext4",
    },
    tasksel: profile.tasksel ?? [],
    packages: profile.packages ?? [],
    grubDevice: profile.grubDevice || undefined,
    installer: profile.installer,
    iso: profile.iso || undefined,
    architectures: profile.architectures ?? [architecture],
    scripts: profile.scripts ?? [],
    answers: profile.answers ?? [],
    build: resolveBuild(profile.build ?? {}, architecture),
    vars: profile.vars ?? {},
  };
}

function resolveBuild(build: BuildOptions, architecture: Architecture): ResolvedBuild {
  return {
    diskSize: build.diskSize ?? "20G",
    memoryMiB: build.memoryMiB ?? 2048,
    cpus: build.cpus ?? 2,
    // A BIOS does not exist on arm64, whatever the profile says for its amd64 side.
    firmware: architecture === "arm64" ? "uefi" : build.firmware ?? "bios",
    installTimeoutMinutes: build.installTimeoutMinutes ?? 60,
    sshTimeoutMinutes: build.sshTimeoutMinutes ?? 10,
    scriptTimeoutMinutes: build.scriptTimeoutMinutes ?? 60,
    stallMinutes: build.stallMinutes ?? 5,
    warm: build.warm ?? true,
    kernelArgs: build.kernelArgs ?? [],
    qemuArgs: build.qemuArgs ?? [],
  };
}

/** A profile's name as a host name: what a label may not have becomes a dash. */
export function hostnameOf(name: string): string {
  const label = name.toLowerCase().replaceAll(/[^a-z0-9-]+/g, "-").slice(0, 63).replaceAll(/^-+|-+$/g, "");
  return label || "pim";
}
