import { exitCode } from "../../errors.ts";
import type { Evidence } from "./evidence.ts";
import { clue, type Finding } from "./finding.ts";
import { debugHint, sentence, silence, watchHint } from "./wording.ts";

/** QEMU stops the guest when the host has no room for what it writes. */
export function hostDiskFull({ qemu }: Evidence): Finding | undefined {
  return qemu.ioError?.nospace !== true ? undefined : {
    code: "disk-full",
    exitCode: exitCode.host,
    summary: "The disk of this host is full: QEMU could not write to the build's disk, and stopped the guest",
    hint: "Make room where the cache folder is (pim config show tells where), or move it with PIM_CACHE_DIR.",
  };
}

/** A kernel that gives up says so on the console, and waits for ever. */
export function kernelPanic(evidence: Evidence): Finding | undefined {
  const found = clue(evidence, "kernel-panic");
  if (found === undefined && evidence.qemu.panicked !== true) return undefined;
  return {
    code: "kernel-panic",
    exitCode: exitCode.timeout,
    summary: sentence(evidence, found ? `${found.meaning}: ${found.line}` : "the kernel panicked"),
    hint: evidence.phase === "install"
      ? `Look at build.kernelArgs and build.memoryMiB of the profile, and at the ISO. ${watchHint}`
      : debugHint,
  };
}

/** QEMU ends as well-behaved on a signal as on a reboot, with half a system on the disk. */
export function qemuEndedBySignal(evidence: Evidence): Finding | undefined {
  return evidence.qemu.shutdown !== "host-signal" ? undefined : {
    code: "qemu-died",
    exitCode: exitCode.failure,
    summary: sentence(evidence, "QEMU was ended by a signal"),
  };
}

/** Nothing at all was seen of a system. */
export function notStarted(evidence: Evidence): Finding | undefined {
  const { phase, serial, install, agent, ssh } = evidence;
  // QEMU itself opens the port that is forwarded.
  const banner = ssh !== undefined && !["waiting for the port", "port open"].includes(ssh.stage);
  const seen = serial.seen || banner || agent?.answers || install?.logLines || install?.fetched.length;
  if (seen || phase === "script") return undefined;
  return {
    code: "kernel-not-started",
    summary: sentence(evidence, `no kernel has started: its console was silent for ${silence(evidence)}`),
    hint: "What the machine shows is in screenshot.png of the build's folder. Is the ISO made for the " +
      "architecture that pim build run --dry-run PROFILE tells?",
  };
}
