import { type Architecture, architectures, parseArchitecture } from "../architecture.ts";
import { architectureNames } from "./names.ts";

/** A flag that is off unless it is given. */
export const off = { kind: "boolean", default: false, withNegated: false } as const;

/** How the name of a flag is typed: `dryRun` as `--dry-run`. */
export function kebabCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The flag of every command that prints data. */
export interface JsonFlags {
  readonly json: boolean;
}

/** The definition of {@linkcode JsonFlags}. */
export const jsonFlag = { json: { ...off, brief: "Print JSON" } } as const;

function parseArch(text: string): Architecture {
  const architecture = parseArchitecture(text);
  if (architecture === undefined) throw new RangeError(`${text} is not one of: ${architectures.join(", ")}`);
  return architecture;
}

/** A flag that names an architecture. */
export const archFlag = {
  kind: "parsed",
  parse: parseArch,
  optional: true,
  brief: "Architecture: amd64 or arm64",
  placeholder: "ARCH",
  proposeCompletions: architectureNames,
} as const;

/** A whole number, from 0 on; throws for what is none. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text)) throw new RangeError(`${text} is not a whole number`);
  return Number(text);
}

/** A number of seconds: none at all, milliseconds, or some days. */
export function parseSeconds(text: string): number {
  if (/^\d{1,6}(\.\d{1,3})?$/.test(text)) return Number(text);
  throw new RangeError(`${text} is no number of seconds`);
}

function parseWholeSeconds(text: string): number {
  if (/^[1-9]\d{0,5}$/.test(text)) return parseSeconds(text);
  throw new RangeError(`${text} is no whole number of seconds`);
}

/** How long the system of an image that is verified may take to come up. */
export const bootTimeoutFlag = {
  kind: "parsed",
  parse: parseWholeSeconds,
  optional: true,
  placeholder: "SECONDS",
  brief: "How long the system may take to come up (default: build.sshTimeoutMinutes of the profile)",
} as const;
