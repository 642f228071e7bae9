import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Architecture } from "../../architecture.ts";
import { UsageError } from "../../errors.ts";
import { missingFile } from "../../missing_file.ts";
import { exists } from "../../files.ts";
import type { Tree } from "../../config/merge.ts";
import {
  filenameOf,
  guessArchitecture,
  type IsoEntry,
  type IsoFields,
  locationOf,
  toIsoEntry,
} from "./entry.ts";
import { checkFields } from "./entry_file.ts";
import { fingerprintOf } from "./rules.ts";

/** What an ISO's URL or path tells of it. */
export interface Draft {
  /** An http, https or file URL, or an absolute path. */
  readonly url: string;
  /** Undefined when the URL does not end in a name. */
  readonly filename: string | undefined;
  readonly key: string | undefined;
  readonly name: string | undefined;
  readonly architecture: Architecture | undefined;
}

/** Reads what a URL or a path tells; throws {@linkcode UsageError} when it is neither or the file is not there. */
export async function draftOf(source: string, cwd: string): Promise<Draft> {
  const url = absoluteSource(source, cwd);
  const location = locationOf({ url });
  if (location.kind !== "http" && !(await exists(location.path))) {
    throw await missingFile(location.path, {
      hint: "Give the path of an ISO, a URL, or a key from: pim iso search",
    });
  }
  const filename = filenameOf(url) || undefined;
  const base = filename?.replace(/\.iso$/i, "");
  return {
    url,
    filename,
    key: base === undefined ? undefined : keyOf(base),
    name: base === undefined ? undefined : nameOf(base),
    architecture: guessArchitecture(url),
  };
}

/** A URL as it is, and a path from the working directory; throws for other schemes. */
export function absoluteSource(source: string, cwd: string): string {
  if (/^(https?|file):\/\//i.test(source)) {
    const url = URL.parse(source);
    if (url !== null) return url.href;
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    throw new UsageError(`${source} is not supported`, {
      hint: "Use an https, http or file URL, or a path.",
    });
  }
  return source.startsWith("~/") ? join(homedir(), source.slice(2)) : resolve(cwd, source);
}

/** A key as a command line names it: fingerprints stay, and paths start from the working directory. */
export function absoluteKey(key: string, cwd: string): string {
  return fingerprintOf(key) ?? absoluteSource(key, cwd);
}

/** Whether a text can be the key of an ISO. */
function isKey(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._+-]*$/.test(text) && text !== "default";
}

function keyOf(base: string): string | undefined {
  const key = base.toLowerCase().replaceAll(/[^a-z0-9._+-]+/g, "-").replaceAll(/^[^a-z0-9]+|-+$/g, "");
  return isKey(key) ? key : undefined;
}

function nameOf(base: string): string {
  const words = base.replaceAll(/(?:[- ]|(?<!x86)_)+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An entry that can be written, checked as the catalog checks it; throws {@linkcode UsageError} with what is wrong. */
export function checkedEntry(
  key: string,
  fields: Tree,
  file: string,
  entries: readonly IsoEntry[],
): IsoFields {
  if (!isKey(key)) {
    throw new UsageError(`${JSON.stringify(key)} cannot be the key of an ISO`, {
      hint: "Use letters, digits, dots, dashes, plus signs and underscores: --key debian-13-amd64",
    });
  }
  if (entries.some((entry) => entry.key === key)) {
    throw new UsageError(`There is an ISO ${key} in the catalog already`, {
      hint: `See it with: pim iso show ${key}. Give the new one another --key, or remove the old one first.`,
    });
  }
  const checked = checkFields(fields);
  const entry = toIsoEntry(key, checked, dirname(file));
  const same = entries.find((each) => each.filename === entry.filename && each.url !== entry.url);
  if (locationOf(entry).kind === "local" || same === undefined || locationOf(same).kind === "local") {
    return checked;
  }
  throw new UsageError(`The ISO would be stored as ${entry.filename}, which is that of ${same.key}`, {
    hint: "Give it another name with --filename.",
  });
}
