import type { Evidence } from "./evidence.ts";

/** How far a machine came, in words. */
export function reached({ phase, install, serial, ssh, script }: Evidence): string {
  if (phase === "script") return `the script ${script?.name} was running`;
  if (phase === "boot") return `the system was installed; reached: ${ssh?.stage ?? "nothing yet"}`;
  if (install?.fetched.includes("/install.sh")) return "the late command was fetched";
  if (install?.milestone !== undefined) return `the installer was at: ${install.milestone}`;
  if (install?.fetched.includes(install.answerFile)) return `${install.answerFile} was fetched`;
  return serial.seen
    ? `the kernel started, but ${install?.answerFile} was not fetched`
    : "nothing came from the serial console";
}

/** What failed and why, with how far it came. */
export function sentence(evidence: Evidence, why: string): string {
  if (evidence.phase === "script") return why;
  const what = evidence.phase === "install" ? "The installation failed" : "The installed system failed";
  return `${what}: ${why} (${reached(evidence)})`;
}

/** How long nothing happened: "12 s". */
export function silence({ quietMs }: Evidence): string {
  return `${Math.round(quietMs / 1000)} s`;
}

/** The hint for whatever an installer did. */
export const watchHint = "Watch the installer at work with: pim build run --console PROFILE";

/** The hint for whatever an installed system did. */
export const debugHint = "Keep its disk with --on-error keep, and look into it with: pim build debug";
