import * as v from "valibot";
import { type Architecture, architectures } from "../architecture.ts";
import { validate, type Where } from "../config/validate.ts";
import { deploymentSchema } from "./deployment.ts";

/** A finished image as the registry knows it. File names are relative to the image folder. */
export interface ImageEntry {
  /** `<profile>-<architecture>-<yyyymmddThhmmssZ>`. */
  readonly name: string;
  readonly profile: string;
  readonly architecture: Architecture;
  readonly file: string;
  readonly format: "qcow2";
  /** What the guest sees as the size of its disk. */
  readonly virtualBytes: number;
  /** Size of the file when it was registered. */
  readonly bytes: number;
  /** SHA-256 of the file, in hex. */
  readonly sha256?: string;
  /** ISO 8601, UTC. */
  readonly created: string;
  readonly firmware: "bios" | "uefi";
  /** The firmware's variables that belong to this image. */
  readonly efiVars?: string;
  /** What it was installed from. */
  readonly iso: { readonly key: string; readonly filename: string; readonly checksum?: string };
  /** Names of the provisioning scripts, in the order they ran. */
  readonly scripts: readonly string[];
  readonly username: string;
  /** Port of the guest's SSH server where it is not 22. */
  readonly sshPort?: number;
  readonly logs: readonly string[];
  /** What it was made of and what is in it; images of the first pims have none. */
  readonly manifest?: string;
  /** Its software bill of materials, in SPDX. */
  readonly sbom?: string;
  /** 64 hex digits over all that its build depended on: a build with the same key would make the same image. */
  readonly key?: string;
  /** How it did when it was last booted and checked; `time` is ISO 8601, UTC. */
  readonly verified?: { readonly ok: boolean; readonly time: string };
}

// Hand-edited names must not lead out of the image folder when they are joined to it or removed.
const plain = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const fileName = v.pipe(v.string(), v.regex(plain, "a plain file name in the image folder"));
const plainName = v.pipe(
  v.string(),
  v.regex(plain, "a name of letters, digits, dots, dashes and underscores"),
);
const text = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));
const bytes = v.pipe(
  v.number(),
  v.integer("a whole number of bytes"),
  v.minValue(0, "0 or more bytes"),
);
const names = v.array(v.string());
const time = v.pipe(
  v.string("a time such as 2026-01-31T12:00:00Z"),
  v.check((time) => !Number.isNaN(Date.parse(time)), "a time such as 2026-01-31T12:00:00Z"),
);
const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits"));

const diskEntry = v.strictObject({
  profile: plainName,
  architecture: v.picklist(architectures),
  file: fileName,
  format: v.literal("qcow2"),
  virtual_size: bytes,
  size: bytes,
  sha256: v.optional(hex64),
  created: time,
  firmware: v.picklist(["bios", "uefi"]),
  efi_vars: v.optional(fileName),
  iso: v.strictObject({ key: v.string(), filename: v.string(), checksum: v.optional(v.string()) }),
  scripts: names,
  username: text,
  ssh_port: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1, "a port from 1 to 65535"), v.maxValue(65535)),
  ),
  logs: v.optional(v.array(fileName), []),
  manifest: v.optional(fileName),
  sbom: v.optional(fileName),
  key: v.optional(hex64),
  verified: v.optional(v.strictObject({ ok: v.boolean(), time })),
});

/** An entry as it stands in registry.yml; its name is the key. */
export type DiskEntry = v.InferOutput<typeof diskEntry>;

/** The shape of registry.yml. */
export const registrySchema = v.strictObject({
  version: v.literal(1, "1, the only version this pim knows"),
  images: v.optional(v.record(plainName, diskEntry), {}),
  deployments: v.optional(v.record(v.string(), deploymentSchema), {}),
});

/** The registry as it stands in registry.yml. */
export type DiskRegistry = v.InferOutput<typeof registrySchema>;

/** Checks an entry that comes from elsewhere; throws UsageError with all that is wrong with it. */
export function readEntry(name: string, value: unknown, where: Where): ImageEntry {
  return fromDisk(name, validate(diskEntry, value, where));
}

/** An entry of registry.yml in TypeScript's words. */
export function fromDisk(name: string, entry: DiskEntry): ImageEntry {
  const { virtual_size, size, efi_vars, ssh_port, sha256, iso, manifest, sbom, key, verified, ...same } =
    entry;
  const { checksum, ...isoSame } = iso;
  return {
    name,
    ...same,
    virtualBytes: virtual_size,
    bytes: size,
    iso: { ...isoSame, ...(checksum !== undefined && { checksum }) },
    ...(sha256 !== undefined && { sha256 }),
    ...(efi_vars !== undefined && { efiVars: efi_vars }),
    ...(ssh_port !== undefined && { sshPort: ssh_port }),
    ...(manifest !== undefined && { manifest }),
    ...(sbom !== undefined && { sbom }),
    ...(key !== undefined && { key }),
    ...(verified !== undefined && { verified }),
  };
}

/** An entry as registry.yml has it, keys in the order a reader wants them. */
export function toDisk(entry: ImageEntry): DiskEntry {
  const { key, filename, checksum } = entry.iso;
  return {
    profile: entry.profile,
    architecture: entry.architecture,
    file: entry.file,
    format: entry.format,
    virtual_size: entry.virtualBytes,
    size: entry.bytes,
    ...(entry.sha256 !== undefined && { sha256: entry.sha256 }),
    created: entry.created,
    firmware: entry.firmware,
    ...(entry.efiVars !== undefined && { efi_vars: entry.efiVars }),
    iso: { key, filename, ...(checksum !== undefined && { checksum }) },
    scripts: [...entry.scripts],
    username: entry.username,
    ...(entry.sshPort !== undefined && { ssh_port: entry.sshPort }),
    logs: [...entry.logs],
    ...(entry.manifest !== undefined && { manifest: entry.manifest }),
    ...(entry.sbom !== undefined && { sbom: entry.sbom }),
    ...(entry.key !== undefined && { key: entry.key }),
    ...(entry.verified !== undefined && { verified: { ...entry.verified } }),
  };
}
