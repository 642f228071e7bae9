import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { type Architecture, architectures, parseArchitecture } from "../../architecture.ts";
import { type Checksum, isChecksum, parseChecksum } from "../verify/checksum.ts";
import { UsageError } from "../../errors.ts";
import { isReleasePattern, type ReleaseRule, type SignatureRule, signatureRule } from "./rules.ts";

const text = v.pipe(v.string(), v.nonEmpty("text"));

/** One entry of isos.d/*.yml, after merging over `default`. */
export const isoEntrySchema = v.strictObject({
  name: v.optional(text),
  url: text,
  checksum: v.optional(v.pipe(text, v.check(isChecksum, `"sha256:…" or "sha512:…" with all its digits`))),
  checksum_url: v.optional(text),
  mirrors: v.optional(v.array(text)),
  signature_url: v.optional(text),
  signing_key: v.optional(v.union([text, v.array(text)], "a fingerprint, the path of a key file, or a list")),
  signing_key_url: v.optional(text),
  release: v.optional(v.strictObject({
    url: text,
    pattern: v.pipe(text, v.check(isReleasePattern, "a regular expression with one group, the version")),
  })),
  filename: v.optional(v.pipe(text, v.check(isFilename, "a file name without a folder"))),
  architecture: v.optional(
    v.pipe(text, v.check((name) => parseArchitecture(name) !== undefined, architectures.join(" or "))),
  ),
});

/** One entry of isos.d as its file says it. */
export type IsoFields = v.InferOutput<typeof isoEntrySchema>;

/** An ISO of the catalog. */
export interface IsoEntry {
  readonly key: string;
  /** What it is, for people. */
  readonly name: string;
  /** An http, https or file URL, or the absolute path of a file that is used where it is. */
  readonly url: string;
  readonly checksum: Checksum | undefined;
  /** URL of a checksum file such as SHA256SUMS, or the absolute path of one. */
  readonly checksumUrl: string | undefined;
  /** Other http or https URLs of the same file, in the order in which they are tried. */
  readonly mirrors: readonly string[];
  /** Who must have signed the checksum file; undefined when nobody is asked for. */
  readonly signature: SignatureRule | undefined;
  /** Where newer releases are found. */
  readonly release: ReleaseRule | undefined;
  /** Its name in the ISO folder. */
  readonly filename: string;
  readonly architecture: Architecture;
}

/** Where an ISO comes from: the network, a file that is copied, or a file that is used in place. */
export type IsoLocation =
  | { readonly kind: "http"; readonly url: string }
  | { readonly kind: "copy"; readonly path: string }
  | { readonly kind: "local"; readonly path: string };

/**
 * The catalog entry for a checked YAML entry.
 *
 * @param baseDir the folder that relative paths start from
 */
export function toIsoEntry(
  key: string,
  value: IsoFields,
  baseDir: string,
): IsoEntry {
  const fail = (why: string, hint: string) =>
    new UsageError(`The ISO ${key} cannot be used: ${why}`, { hint });
  const resolved = (field: string, text: string) => {
    const found = resolveUrl(text, baseDir);
    if (found !== undefined) return found;
    throw fail(`its ${field} ${text} is not supported`, "Use https, http, file or a path.");
  };
  const resolvedIfGiven = (field: "checksum_url" | "signature_url" | "signing_key_url") =>
    value[field] === undefined ? undefined : resolved(field, value[field]);
  const url = resolved("url", value.url);
  const mirrors = (value.mirrors ?? []).map((mirror) => {
    const found = resolved("mirror", mirror);
    if (/^https?:/.test(found) && /^https?:/.test(url)) return found;
    throw fail(`its mirror ${mirror} is no http or https URL`, "A mirror is another URL of the same file.");
  });
  const filename = value.filename ?? filenameOf(url);
  if (!isFilename(filename)) throw fail("its url does not end in a file name", "Set `filename`.");
  const architecture = value.architecture === undefined
    ? guessArchitecture(key) ?? guessArchitecture(url)
    : parseArchitecture(value.architecture);
  if (architecture === undefined) {
    throw fail("its architecture is not known", `Set \`architecture\` to ${architectures.join(" or ")}.`);
  }
  const checksum = value.checksum === undefined ? undefined : parseChecksum(value.checksum);
  const checksumUrl = resolvedIfGiven("checksum_url");
  const signature = signatureRule(
    { ...value, checksumUrl },
    {
      url: resolvedIfGiven("signature_url"),
      keyUrl: resolvedIfGiven("signing_key_url"),
      path: (text) => resolved("signing_key", text),
    },
    (why, hint) => fail(why, hint),
  );
  return {
    ...{ key, name: value.name ?? key, url, mirrors, filename, architecture },
    ...{ checksum, checksumUrl, signature, release: value.release },
  };
}

/** Where the URL of an entry leads. */
export function locationOf(entry: Pick<IsoEntry, "url">): IsoLocation {
  if (/^https?:/.test(entry.url)) return { kind: "http", url: entry.url };
  if (entry.url.startsWith("file:")) return { kind: "copy", path: fileURLToPath(entry.url) };
  return { kind: "local", path: entry.url };
}

/** An http, https or file URL as it is, and anything else as an absolute path; undefined for other schemes. */
function resolveUrl(text: string, baseDir: string): string | undefined {
  if (/^https?:\/\/./i.test(text)) return URL.parse(text)?.href;
  if (/^file:\/\//i.test(text)) {
    const url = URL.parse(text);
    return url === null || !["", "localhost"].includes(url.hostname) ? undefined : `file://${url.pathname}`;
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return undefined;
  if (text.startsWith("~/")) return join(homedir(), text.slice(2));
  return isAbsolute(text) ? resolve(text) : resolve(baseDir, text);
}

/** The file name at the end of a URL or a path; empty when there is none. */
export function filenameOf(url: string): string {
  const path = url.includes("://") ? new URL(url).pathname : url;
  const last = path.split("/").at(-1) ?? "";
  try {
    return url.includes("://") ? decodeURIComponent(last) : last;
  } catch {
    return last;
  }
}

/** Hidden names are refused too: they are pim's own in the ISO folder. */
function isFilename(name: string): boolean {
  // deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a name
  return name.length <= 200 && /^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$/.test(name);
}

/** The architecture that is a word of a name or a URL, the last one if there are several. */
export function guessArchitecture(text: string): Architecture | undefined {
  const found = text.split(/[^A-Za-z0-9_]+/).map((word) => parseArchitecture(word)).filter((a) =>
    a !== undefined
  );
  return found.at(-1);
}
