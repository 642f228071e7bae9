import { PimError, UsageError } from "../../errors.ts";
import { fetchText } from "../../http/get.ts";
import { showUrl } from "../../http/error.ts";
import type { NetworkOptions } from "../verify/expected.ts";
import { listingNames } from "./listing.ts";
import type { ReleaseRule } from "./rules.ts";
import { compareVersions } from "./version_order.ts";

const maxListingBytes = 8 * 1024 * 1024;

/** The newest version that a release rule finds; throws a PimError when the listing has none. */
export async function newestVersion(rule: ReleaseRule, options: NetworkOptions = {}): Promise<string> {
  const text = await fetchText(rule.url, { ...options, maxBytes: maxListingBytes, keepHttps: true });
  const newest = newestOf(listingNames(text, rule.url), rule.pattern);
  if (newest !== undefined) return newest;
  throw new PimError(`No name in ${showUrl(rule.url)} matches ${rule.pattern}`, {
    hint: "Correct `release` of this ISO in isos.d: the pattern must match a whole name.",
  });
}

/** The newest of the versions that a pattern finds in names; undefined when it finds none. */
export function newestOf(names: readonly string[], pattern: string): string | undefined {
  return names.map((name) => versionIn(name, pattern)).filter((version) => version !== undefined)
    .sort(compareVersions).at(-1);
}

/** The version that an entry's URL has now: what the pattern finds in one of the names of its path. */
export function currentVersion(key: string, url: string, { pattern }: ReleaseRule): string {
  const path = URL.parse(url)?.pathname ?? url;
  const found = path.split("/").map((name) => versionIn(name, pattern)).find((each) => each !== undefined);
  if (found !== undefined) return found;
  throw new UsageError(`The ISO ${key} cannot be updated: no part of its url matches ${pattern}`, {
    hint: "Correct `release` of this ISO in isos.d, or write its version out in `url`.",
  });
}

function versionIn(name: string, pattern: string): string | undefined {
  const version = new RegExp(`^(?:${pattern})$`).exec(name)?.[1];
  // It becomes a part of URLs and of a YAML file.
  return version !== undefined && /^[A-Za-z0-9][A-Za-z0-9._+~-]*$/.test(version) ? version : undefined;
}

/** A text with a version in the place of another, wherever that stands by itself: 1.2 is no part of 11.2 or 1.2.3. */
export function withVersion(text: string, from: string, to: string): string {
  const literal = from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(`(?<!\\d|\\d\\.)${literal}(?!\\d|\\.\\d)`, "g"), () => to);
}
