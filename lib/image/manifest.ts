import * as v from "valibot";
import { type Architecture, architectures } from "../architecture.ts";
import { validate } from "../config/validate.ts";
import { messageOf, UsageError } from "../errors.ts";
import { readTextIfThere, writeFileAtomic } from "../files.ts";

/** How the packages of a system are packed, and thus how their versions are ordered. */
export type PackageFormat = "deb" | "rpm" | "apk";

/** A package that is installed in an image. */
export interface GuestPackage {
  readonly name: string;
  readonly version: string;
  /** In the words of the system's own package manager. */
  readonly architecture: string;
  /** Name of the source package, where it is not the package's own. */
  readonly source?: string;
}

/** The system in an image, as it describes itself. */
export interface GuestSystem {
  /** ID of os-release(5): "debian". */
  readonly id: string;
  readonly prettyName: string;
  readonly versionId?: string;
  /** Release of the kernel that ran when the image was built. */
  readonly kernel: string;
  /** Undefined when the system has no package manager that pim knows. */
  readonly packageFormat?: PackageFormat;
}

/** A point of the build at which the disk can be kept, and what it depends on. */
export interface ManifestLayer {
  readonly step: string;
  /** 64 hex digits. */
  readonly key: string;
  /** Keyed digests by the names that people know the inputs by. */
  readonly inputs: Readonly<Record<string, string>>;
  /** Whether an earlier build's layer was taken. */
  readonly reused: boolean;
}

/** How long a step of the build took. */
export interface StepTime {
  readonly step: string;
  readonly elapsedMs: number;
}

/** What checking the booted image has shown. */
export interface ManifestVerification {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly name: string;
    readonly result: "passed" | "failed" | "skipped";
    readonly detail: string;
  }[];
}

/** What an image was made of and what is in it; lies beside the image as JSON. */
export interface Manifest {
  readonly version: 1;
  readonly image: {
    readonly name: string;
    readonly profile: string;
    readonly architecture: Architecture;
    /** Name of the qcow2 file in the manifest's own folder. */
    readonly file: string;
    readonly virtualBytes: number;
    readonly bytes: number;
    readonly sha256: string;
    /** ISO 8601, UTC. */
    readonly created: string;
    readonly firmware: "bios" | "uefi";
  };
  readonly pim: { readonly version: string };
  readonly qemu: { readonly version: string; readonly accelerator: string };
  readonly installer: { readonly family: string; readonly version?: string };
  readonly iso: {
    readonly key: string;
    readonly filename: string;
    readonly url: string;
    readonly checksum: string;
  };
  readonly system: GuestSystem;
  /** Names the secret that the keys and inputs of layers are digested with; others' cannot be compared with them. */
  readonly digestId?: string;
  readonly layers: readonly ManifestLayer[];
  /** Provisioning scripts in the order they ran, each with the SHA-256 of its file. */
  readonly scripts: readonly { readonly name: string; readonly sha256: string }[];
  /** Sorted by name and architecture. */
  readonly packages: readonly GuestPackage[];
  /** The steps that this build ran, without registering, in which the manifest is written. */
  readonly steps: readonly StepTime[];
  readonly verification?: ManifestVerification;
}

const count = v.pipe(v.number(), v.integer("a whole number"), v.minValue(0, "0 or more"));
const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"));
const name = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));

// Not strict: what a later pim adds is left out, and an image stays comparable.
const manifestSchema = v.object({
  version: v.literal(1, "1, the only version this pim knows"),
  image: v.object({
    name,
    profile: name,
    architecture: v.picklist(architectures),
    file: name,
    virtualBytes: count,
    bytes: count,
    sha256,
    created: name,
    firmware: v.picklist(["bios", "uefi"]),
  }),
  pim: v.object({ version: name }),
  qemu: v.object({ version: name, accelerator: name }),
  installer: v.object({ family: name, version: v.exactOptional(name) }),
  iso: v.object({ key: v.string(), filename: name, url: name, checksum: name }),
  system: v.object({
    id: name,
    prettyName: name,
    versionId: v.exactOptional(name),
    kernel: name,
    packageFormat: v.exactOptional(v.picklist(["deb", "rpm", "apk"])),
  }),
  digestId: v.exactOptional(name),
  layers: v.array(v.object({
    step: name,
    key: sha256,
    inputs: v.record(v.string(), v.string()),
    reused: v.boolean(),
  })),
  scripts: v.array(v.object({ name, sha256 })),
  packages: v.array(v.object({
    name,
    version: name,
    architecture: v.string(),
    source: v.exactOptional(name),
  })),
  steps: v.array(v.object({ step: name, elapsedMs: count })),
  verification: v.exactOptional(v.object({
    ok: v.boolean(),
    checks: v.array(v.object({
      name,
      result: v.picklist(["passed", "failed", "skipped"]),
      detail: v.string(),
    })),
  })),
});

/** Reads and checks a manifest; throws UsageError naming the file, and the fields that are wrong. */
export async function readManifest(path: string): Promise<Manifest> {
  const text = await readTextIfThere(path);
  if (text === undefined) {
    throw new UsageError(`There is no manifest ${path}`, {
      hint: "An image's manifest lies beside it: pim build show IMAGE",
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is no manifest: ${messageOf(cause)}`, { cause });
  }
  return validate(manifestSchema, value, () => path);
}

/** Writes a manifest as a whole. */
export async function writeManifest(path: string, manifest: Manifest): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(manifest, null, 2)}\n`);
}
