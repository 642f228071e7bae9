/** The targets that Deno can compile for, each by its name there. */
export const targets = [
  "x86_64-unknown-linux-gnu",
  "aarch64-unknown-linux-gnu",
  "x86_64-apple-darwin",
  "aarch64-apple-darwin",
  "x86_64-pc-windows-msvc",
] as const;

/** One of the targets. */
export type Target = (typeof targets)[number];

/** The name that a released binary has. */
export function binaryName(target: Target): string {
  return `pim-${target}${target.includes("windows") ? ".exe" : ""}`;
}
