import { type Architecture, hostArchitecture } from "../architecture.ts";
import { HostError, UsageError } from "../errors.ts";
import { run, which } from "../process.ts";
import { type Accelerator, chooseAccelerator } from "./accelerator.ts";
import { findFirmware, type Firmware } from "./firmware.ts";
import { installHint, type MissingPart } from "./install_hint.ts";

/** A version of QEMU. */
export interface QemuVersion {
  readonly major: number;
  readonly minor: number;
  readonly micro: number;
  /** As it is written: "7.2.22". */
  readonly text: string;
}

/** What this host can do for guests of one architecture and firmware. */
export interface QemuHost {
  readonly platform: "linux" | "darwin";
  /** Of the guests. */
  readonly architecture: Architecture;
  readonly hostArchitecture: Architecture;
  /** Path of qemu-system-*. */
  readonly qemu: string;
  readonly version: QemuVersion;
  readonly qemuImg: string;
  readonly accelerator: Accelerator;
  /** UEFI firmware; undefined for a machine that starts by its BIOS. */
  readonly firmware?: Firmware;
}

/** What is asked of {@linkcode probeQemu}. */
export interface ProbeOptions {
  readonly architecture: Architecture;
  /** Default: bios on amd64, uefi on arm64. */
  readonly firmware?: "bios" | "uefi";
  /** Where the result of the accelerator's test is remembered until the next boot. */
  readonly cacheDir: string;
  readonly signal?: AbortSignal;
}

/** Finds out what QEMU can do here; throws a HostError naming the install command for what is missing. */
export async function probeQemu(options: ProbeOptions): Promise<QemuHost> {
  const { architecture, signal } = options;
  const firmwareKind = options.firmware ?? (architecture === "arm64" ? "uefi" : "bios");
  if (architecture === "arm64" && firmwareKind === "bios") {
    throw new UsageError("A machine for arm64 has no BIOS", {
      hint: "Leave firmware out, or set it to uefi.",
    });
  }
  const platform = Deno.build.os === "darwin" ? "darwin" : "linux";
  const { qemu, qemuImg } = await findPrograms(architecture);
  const version = await readQemuVersion(qemu, signal);
  const firmware = firmwareKind === "uefi" ? await requireFirmware(architecture, qemu) : undefined;
  const accelerator = await chooseAccelerator({
    platform,
    hostArchitecture: hostArchitecture(),
    architecture,
    qemu,
    qemuVersion: version.text,
    cacheDir: options.cacheDir,
    signal,
  });
  return {
    platform,
    architecture,
    hostArchitecture: hostArchitecture(),
    qemu,
    version,
    qemuImg,
    accelerator,
    ...(firmware && { firmware }),
  };
}

/** The name of the program that runs guests of an architecture. */
export function qemuProgram(architecture: Architecture): string {
  return architecture === "amd64" ? "qemu-system-x86_64" : "qemu-system-aarch64";
}

/** Reads a version out of what `qemu-system-* --version` prints. */
export function parseQemuVersion(text: string): QemuVersion | undefined {
  const match = /version (\d+)\.(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return undefined;
  const [major, minor, micro] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return { major, minor, micro, text: `${major}.${minor}.${micro}` };
}

async function findPrograms(architecture: Architecture): Promise<{ qemu: string; qemuImg: string }> {
  const program = qemuProgram(architecture);
  const [qemu, qemuImg] = [await which(program), await which("qemu-img")];
  if (qemu && qemuImg) return { qemu, qemuImg };
  const missing: MissingPart[] = [...(qemu ? [] : ["system" as const]), ...(qemuImg ? [] : ["img" as const])];
  const names = [...(qemu ? [] : [program]), ...(qemuImg ? [] : ["qemu-img"])];
  throw new HostError(
    `${names.join(" and ")} ${names.length > 1 ? "are" : "is"} not installed or not on PATH`,
    { hint: await installHint(missing, architecture) },
  );
}

/** The version of a qemu-system-* program; throws a HostError when it is too old for pim. */
export async function readQemuVersion(qemu: string, signal?: AbortSignal): Promise<QemuVersion> {
  const { stdout } = await run([qemu, "--version"], { signal });
  const version = parseQemuVersion(stdout);
  if (!version) {
    throw new HostError(`${qemu} --version does not name a version: ${stdout.slice(0, 80).trim()}`, {
      hint: `See what program it is: ${qemu} --version`,
    });
  }
  // The youngest of what pim writes on a command line, the CPU's pauth-impdef, came with 6.0.
  if (version.major < 6) {
    throw new HostError(`QEMU ${version.text} is too old: pim needs 6.0 or later`, {
      hint: "Install a newer one: https://www.qemu.org/download/",
    });
  }
  return version;
}

async function requireFirmware(architecture: Architecture, qemu: string): Promise<Firmware> {
  const firmware = await findFirmware(architecture, qemu);
  if (firmware) return firmware;
  throw new HostError(`No UEFI firmware for ${architecture} is installed`, {
    hint: await installHint(["firmware"], architecture),
  });
}
