import type { Config } from "../config/config.ts";
import { messageOf, PimError } from "../errors.ts";
import { type IsoEntry, loadCatalog } from "../iso/catalog/catalog.ts";
import type { Environment } from "../paths.ts";

/** How well something is: a warning limits what pim can do, a problem keeps it from its work. */
export type Result = "ok" | "warning" | "problem";

interface Observation {
  /** What was looked at. */
  readonly name: string;
  /** What was found, in words; it may have several lines. */
  readonly detail: string;
}

/** What a check has found. */
export type Finding =
  | Observation & { readonly result: "ok"; readonly fix?: undefined }
  | Observation & {
    readonly result: Exclude<Result, "ok">;
    /** What to type, or else to do, to change it. */
    readonly fix: string;
  };

/** What checks know of the one who asks. */
export interface DoctorContext {
  readonly env: Environment;
  /** Reads the configuration; throws what is wrong with it. */
  config(): Promise<Config>;
  readonly signal: AbortSignal;
  /** Look at nothing that lies on other hosts. */
  readonly offline: boolean;
}

/** Looks at one thing, or at several that have to be seen together. */
export interface Check {
  readonly name: string;
  /** What is wrong is a finding; an error becomes one too. */
  look(context: DoctorContext): Promise<readonly Finding[]>;
  /** What to do where an error does not say it. */
  readonly fix?: string;
}

/** Checks that belong together. */
export interface CheckGroup {
  /** As it is named on the command line. */
  readonly name: string;
  /** What it looks at, for people. */
  readonly title: string;
  readonly checks: readonly Check[];
}

/** What is well. */
export function ok(name: string, detail: string): Finding {
  return { name, result: "ok", detail };
}

/** What limits pim. */
export function warning(name: string, detail: string, fix: string): Finding {
  return { name, result: "warning", detail, fix };
}

/** What keeps pim from its work. */
export function problem(name: string, detail: string, fix: string): Finding {
  return { name, result: "problem", detail, fix };
}

const lookCloser = "See the cause of it: pim doctor --debug";

/** What an error says of something, with its hint as what to do, or `otherwise` where it has none. */
export function found(
  result: Exclude<Result, "ok">,
  name: string,
  error: unknown,
  otherwise: string = lookCloser,
): Finding {
  const fix = (error instanceof PimError ? error.hint : undefined) ?? otherwise;
  return { name, result, detail: messageOf(error), fix };
}

/** What is not installed and not needed by everybody: told, with the error's hint, but not held against the host. */
export function notNeeded(name: string, error: PimError, onlyFor: string): Finding {
  const hint = error.hint === undefined ? "" : `. ${error.hint}`;
  return ok(name, `not installed, which only matters for ${onlyFor}${hint}`);
}

/** The configuration, or undefined where it cannot be read: the check of the settings says why. */
export async function configIfSound(context: DoctorContext): Promise<Config | undefined> {
  return await ifSound(() => context.config());
}

/** The ISO catalog, or undefined where it cannot be read: its own check says why. */
export async function catalogIfSound(context: DoctorContext): Promise<readonly IsoEntry[] | undefined> {
  return await ifSound(async () => await loadCatalog((await context.config()).folders));
}

/** What another check reads too, and tells what is wrong with; undefined for what is wrong. */
export async function ifSound<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof PimError) return undefined;
    throw error;
  }
}
