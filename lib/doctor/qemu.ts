import { type Architecture, architectures, hostArchitecture } from "../architecture.ts";
import { HostError } from "../errors.ts";
import { run, which } from "../process.ts";
import { findFirmware } from "../qemu/firmware.ts";
import { parseQemuVersion, qemuProgram, readQemuVersion } from "../qemu/host.ts";
import { installHint, type MissingPart } from "../qemu/install_hint.ts";
import { type DoctorContext, type Finding, found, notNeeded, ok } from "./finding.ts";

/** Checks qemu-img, without which no disk can be made. */
export async function checkQemuImg({ signal }: DoctorContext): Promise<readonly Finding[]> {
  const path = await which("qemu-img");
  if (path === undefined) throw await notInstalled("qemu-img", hostArchitecture());
  const { stdout } = await run([path, "--version"], { signal });
  return [ok("qemu-img", `${parseQemuVersion(stdout)?.text ?? "of unknown version"}, ${path}`)];
}

/** Checks which guests this host can run: QEMU and UEFI firmware for each architecture. */
export async function checkGuests({ signal }: DoctorContext): Promise<readonly Finding[]> {
  return (await Promise.all(architectures.map((each) => guestsOf(each, signal)))).flat();
}

async function guestsOf(architecture: Architecture, signal: AbortSignal): Promise<readonly Finding[]> {
  const name = `${architecture} guests`;
  const native = architecture === hostArchitecture();
  const program = qemuProgram(architecture);
  const qemu = await which(program);
  if (qemu === undefined) {
    const error = await notInstalled(program, architecture);
    return [
      native ? found("problem", name, error) : notNeeded(name, error, `who builds for ${architecture}`),
    ];
  }
  try {
    const { text } = await readQemuVersion(qemu, signal);
    const how = native ? "" : ", which emulates them";
    return [ok(name, `QEMU ${text}, ${qemu}${how}`), await firmwareOf(architecture, qemu)];
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return [found(native ? "problem" : "warning", name, error)];
  }
}

async function firmwareOf(architecture: Architecture, qemu: string): Promise<Finding> {
  const name = `${architecture} firmware`;
  const firmware = await findFirmware(architecture, qemu);
  if (firmware !== undefined) return ok(name, firmware.codePath);
  const hint = await installHint(["firmware"], architecture);
  if (architecture === "arm64") {
    const error = new HostError("no UEFI firmware is installed, without which no arm64 guest starts", {
      hint,
    });
    return found(hostArchitecture() === "arm64" ? "problem" : "warning", name, error);
  }
  return found(
    "warning",
    name,
    new HostError("no UEFI firmware is installed: guests start by BIOS", { hint }),
  );
}

/** The error for a program of QEMU, with one command that installs all that is missing. */
async function notInstalled(program: string, architecture: Architecture): Promise<HostError> {
  const missing: MissingPart[] = [];
  if (await which(qemuProgram(architecture)) === undefined) missing.push("system");
  if (await which("qemu-img") === undefined) missing.push("img");
  return new HostError(`${program} is not installed or not on PATH`, {
    hint: await installHint(missing, architecture),
  });
}

/** Looks for a TPM: pim gives its machines none, but arguments for QEMU may. */
export async function checkTpm(): Promise<readonly Finding[]> {
  const path = await which("swtpm");
  return [ok("TPM", `${path ?? "no swtpm"}; only machines whose build.qemuArgs ask for a TPM need it`)];
}
