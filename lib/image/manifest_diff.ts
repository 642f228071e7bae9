import type { GuestPackage, Manifest, PackageFormat } from "./manifest.ts";
import { comparePackageVersions } from "./package_version.ts";

/** A thing that is not the same in two images; a side is undefined when it has no such thing. */
export interface Difference {
  readonly what: string;
  readonly before?: string;
  readonly after?: string;
}

/** A package that is not the same in two images. */
export interface PackageDifference {
  readonly name: string;
  readonly architecture: string;
  /** Its versions in the two images. */
  readonly before?: string;
  readonly after?: string;
}

/** How an image differs from an earlier one. */
export interface ManifestDiff {
  /** What the builds were made of: ISO, answer files, scripts, versions of the tools. */
  readonly inputs: readonly Difference[];
  /** Whether answer files and what else only digests are kept of could be compared. */
  readonly digestsCompared: boolean;
  /** What the systems say of themselves. */
  readonly system: readonly Difference[];
  readonly packages: {
    readonly added: readonly PackageDifference[];
    readonly removed: readonly PackageDifference[];
    readonly upgraded: readonly PackageDifference[];
    readonly downgraded: readonly PackageDifference[];
  };
}

/** Compares two manifests. */
export function diffManifests(before: Manifest, after: Manifest): ManifestDiff {
  const digestsCompared = before.digestId !== undefined && before.digestId === after.digestId;
  const inputs = (manifest: Manifest) =>
    new Map([...inputsOf(manifest), ...(digestsCompared ? digestsOf(manifest) : [])]);
  return {
    inputs: differences(inputs(before), inputs(after)),
    digestsCompared,
    system: differences(factsOf(before), factsOf(after)),
    packages: diffPackages(before, after),
  };
}

type Facts = ReadonlyMap<string, string>;

function differences(before: Facts, after: Facts): Difference[] {
  return [...new Set([...before.keys(), ...after.keys()])].flatMap((what) => {
    const [old, now] = [before.get(what), after.get(what)];
    if (old === now) return [];
    return [{ what, ...(old !== undefined && { before: old }), ...(now !== undefined && { after: now }) }];
  });
}

function inputsOf({ image, iso, installer, pim, qemu, scripts }: Manifest): Facts {
  return new Map([
    ["profile", image.profile],
    ["architecture", image.architecture],
    ["firmware", image.firmware],
    ["disk bytes", String(image.virtualBytes)],
    ["ISO", iso.key],
    ["ISO checksum", iso.checksum],
    ["installer", `${installer.family} ${installer.version ?? ""}`.trim()],
    ["pim", pim.version],
    ["QEMU", qemu.version],
    ["accelerator", qemu.accelerator],
    ...scripts.map(({ name, sha256 }) => [`script ${name}`, sha256] as const),
    ["scripts", scripts.map(({ name }) => name).join(", ")],
  ]);
}

// Inputs of layers that inputsOf tells in clear.
const toldInClear = /^(ISO|installer|disk size|firmware|architecture|scripts\.d\/.*)$/;

/** What layers depend on; the same name has the same digest in each of them. */
function digestsOf({ layers }: Manifest): Facts {
  const inputs = layers.flatMap((layer) => Object.entries(layer.inputs));
  return new Map(inputs.filter(([name]) => !toldInClear.test(name)));
}

function factsOf({ system }: Manifest): Facts {
  return new Map([
    ["system", system.prettyName],
    ["version", system.versionId ?? ""],
    ["kernel", system.kernel],
  ]);
}

function diffPackages(before: Manifest, after: Manifest): ManifestDiff["packages"] {
  const changes = pair(before.packages, after.packages);
  const both = changes.filter(({ before, after }) => before !== undefined && after !== undefined);
  const format = after.system.packageFormat ?? "deb";
  const order = new Map(both.map((each) => [each, compare(format, each)]));
  return {
    added: changes.filter((each) => each.before === undefined),
    removed: changes.filter((each) => each.after === undefined),
    upgraded: both.filter((each) => (order.get(each) ?? 0) <= 0),
    downgraded: both.filter((each) => (order.get(each) ?? 0) > 0),
  };
}

function compare(format: PackageFormat, { before = "", after = "" }: PackageDifference): number {
  return comparePackageVersions(format, before, after);
}

/** The packages that differ. One of which several versions are installed, such as a kernel, comes and goes. */
function pair(before: readonly GuestPackage[], after: readonly GuestPackage[]): PackageDifference[] {
  const nameOf = ({ name, architecture }: GuestPackage) => `${name} ${architecture}`;
  const [old, now] = [Map.groupBy(before, nameOf), Map.groupBy(after, nameOf)];
  return [...new Set([...old.keys(), ...now.keys()])].sort().flatMap((key): PackageDifference[] => {
    const removed = (old.get(key) ?? []).filter((each) => !has(now.get(key), each));
    const added = (now.get(key) ?? []).filter((each) => !has(old.get(key), each));
    const [one, other] = [removed[0], added[0]];
    if (removed.length === 1 && added.length === 1 && one !== undefined && other !== undefined) {
      return [{ ...identity(one), before: one.version, after: other.version }];
    }
    return [
      ...removed.map((each) => ({ ...identity(each), before: each.version })),
      ...added.map((each) => ({ ...identity(each), after: each.version })),
    ];
  });
}

function has(list: readonly GuestPackage[] | undefined, { version }: GuestPackage): boolean {
  return list?.some((each) => each.version === version) ?? false;
}

function identity({ name, architecture }: GuestPackage): { name: string; architecture: string } {
  return { name, architecture };
}
