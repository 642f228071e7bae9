import { Buffer } from "node:buffer";
import { basename, join } from "node:path";
import * as v from "valibot";
import type { Architecture } from "../architecture.ts";
import { messageOf, PimError } from "../errors.ts";
import { exists, readTextIfThere } from "../files.ts";
import { log } from "../log.ts";
import { writeAll } from "../output.ts";

/** UEFI firmware of this host: the code every machine shares and the template of each machine's variables. */
export interface Firmware {
  readonly codePath: string;
  readonly codeFormat: "raw" | "qcow2";
  readonly varsTemplate: string;
  readonly varsFormat: "raw" | "qcow2";
  /** The firmware was built for System Management Mode, which QEMU then has to emulate (amd64). */
  readonly requiresSmm: boolean;
}

/** A firmware descriptor as it was found: its path and text. */
export interface DescriptorFile {
  readonly path: string;
  readonly text: string;
}

const flashFile = v.object({ filename: v.string(), format: v.picklist(["raw", "qcow2"]) });
const descriptorSchema = v.object({
  "interface-types": v.array(v.string()),
  mapping: v.object({
    device: v.literal("flash"),
    // Since QEMU 7.0; "combined" and "stateless" have no template for the variables.
    mode: v.optional(v.literal("split"), "split"),
    executable: flashFile,
    "nvram-template": flashFile,
  }),
  targets: v.array(v.object({ architecture: v.string(), machines: v.array(v.string()) })),
  features: v.array(v.string()),
});
type Descriptor = v.InferOutput<typeof descriptorSchema>;

const target = {
  amd64: { architecture: "x86_64", machine: "pc-q35-" },
  arm64: { architecture: "aarch64", machine: "virt-" },
} as const;

/**
 * The firmwares among these descriptors that fit a guest, best first, by the rules of QEMU's docs/interop/firmware.json:
 * sorted by file name, a file of a later folder replaces its namesake of an earlier one, an empty file hides it.
 * Those that enforce Secure Boot are left out; those that need SMM come last.
 */
export function selectFirmware(files: readonly DescriptorFile[], architecture: Architecture): Firmware[] {
  const byName = new Map(files.map((file) => [basename(file.path), file]));
  const found = [...byName.entries()]
    .sort(([a], [b]) => a < b ? -1 : 1)
    .flatMap(([, file]) => parseDescriptor(file) ?? [])
    .filter((descriptor) => fits(descriptor, architecture))
    .map((descriptor): Firmware => ({
      codePath: descriptor.mapping.executable.filename,
      codeFormat: descriptor.mapping.executable.format,
      varsTemplate: descriptor.mapping["nvram-template"].filename,
      varsFormat: descriptor.mapping["nvram-template"].format,
      requiresSmm: descriptor.features.includes("requires-smm"),
    }));
  return [
    ...found.filter((firmware) => !firmware.requiresSmm),
    ...found.filter((firmware) => firmware.requiresSmm),
  ];
}

function parseDescriptor(file: DescriptorFile): Descriptor | undefined {
  if (file.text.trim() === "") return undefined;
  try {
    // Descriptors of firmware that is no flash image do not fit the schema, and are of no use here.
    const parsed = v.safeParse(descriptorSchema, JSON.parse(file.text));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    log.debug(`Firmware descriptor ${file.path} is not JSON: ${messageOf(error)}`);
    return undefined;
  }
}

function fits(descriptor: Descriptor, architecture: Architecture): boolean {
  const wanted = target[architecture];
  return descriptor["interface-types"].includes("uefi") &&
    !descriptor.features.includes("enrolled-keys") &&
    descriptor.targets.some((each) =>
      each.architecture === wanted.architecture &&
      each.machines.some((machine) => machine === "*" || machine.startsWith(wanted.machine))
    );
}

/** The folders of firmware descriptors, general ones first. */
export function descriptorFolders(qemuPath: string): string[] {
  const config = Deno.env.get("XDG_CONFIG_HOME") || join(Deno.env.get("HOME") ?? "/", ".config");
  return [
    ...new Set([
      "/usr/share/qemu/firmware",
      join(shareFolder(qemuPath), "firmware"),
      "/etc/qemu/firmware",
      join(config, "qemu", "firmware"),
    ]),
  ];
}

// Homebrew and other prefixes keep QEMU's data beside its programs: PREFIX/bin and PREFIX/share/qemu.
function shareFolder(qemuPath: string): string {
  return join(qemuPath, "..", "..", "share", "qemu");
}

/** Code and variables as they lie on systems without descriptors, most usual first; both raw. */
export function usualFirmware(architecture: Architecture, qemuPath: string): Firmware[] {
  const share = shareFolder(qemuPath);
  const pairs = architecture === "amd64"
    ? [
      [join(share, "edk2-x86_64-code.fd"), join(share, "edk2-i386-vars.fd")],
      ["/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"],
      ["/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"],
      ["/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"],
      ["/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"],
      ["/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"],
    ]
    : [
      [join(share, "edk2-aarch64-code.fd"), join(share, "edk2-arm-vars.fd")],
      ["/usr/share/AAVMF/AAVMF_CODE.fd", "/usr/share/AAVMF/AAVMF_VARS.fd"],
      ["/usr/share/edk2/aarch64/QEMU_EFI-pflash.raw", "/usr/share/edk2/aarch64/vars-template-pflash.raw"],
    ];
  return pairs.map(([codePath = "", varsTemplate = ""]) => ({
    codePath,
    codeFormat: "raw",
    varsTemplate,
    varsFormat: "raw",
    requiresSmm: false,
  }));
}

/** The UEFI firmware for a guest on this host, or undefined when none is installed. */
export async function findFirmware(
  architecture: Architecture,
  qemuPath: string,
): Promise<Firmware | undefined> {
  const described = selectFirmware(await readDescriptors(descriptorFolders(qemuPath)), architecture);
  for (const firmware of [...described, ...usualFirmware(architecture, qemuPath)]) {
    if (await exists(firmware.codePath) && await exists(firmware.varsTemplate)) return firmware;
  }
  return undefined;
}

async function readDescriptors(folders: readonly string[]): Promise<DescriptorFile[]> {
  const files: DescriptorFile[] = [];
  for (const folder of folders) {
    try {
      for await (const entry of Deno.readDir(folder)) {
        const path = join(folder, entry.name);
        // A link to nowhere, as a package that is gone may leave it, keeps no other from being read.
        const text = path.endsWith(".json") ? await readTextIfThere(path) : undefined;
        if (text !== undefined) files.push({ path, text });
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) log.debug(`Cannot read ${folder}: ${messageOf(error)}`);
    }
  }
  return files;
}

/**
 * Makes a machine's own file of UEFI variables from the firmware's template; the format stays the template's.
 * On arm64 that is 64 MiB, nearly all zero: such blocks become holes, which take no space beside an image.
 */
export async function createEfiVars(firmware: Firmware, path: string): Promise<void> {
  try {
    using source = await Deno.open(firmware.varsTemplate);
    using target = await Deno.open(path, { write: true, create: true, truncate: true });
    const block = new Uint8Array(64 * 1024);
    const zeros = new Uint8Array(block.length);
    let size = 0;
    for (let count = await source.read(block); count !== null; count = await source.read(block)) {
      const piece = block.subarray(0, count);
      if (Buffer.compare(piece, zeros.subarray(0, count)) !== 0) {
        await target.seek(size, Deno.SeekMode.Start);
        await writeAll(target, piece);
      }
      size += count;
    }
    await target.truncate(size);
  } catch (cause) {
    throw new PimError(`Cannot copy the UEFI variables to ${path}: ${messageOf(cause)}`, { cause });
  }
}
