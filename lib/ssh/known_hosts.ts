import { Buffer } from "node:buffer";
import { createHmac } from "node:crypto";
import { fingerprintOf } from "./host_key.ts";

/** What known_hosts says of a host. */
export interface KnownHost {
  /** Fingerprints of its keys, as `SHA256:…`; none when the host is not known. */
  readonly fingerprints: readonly string[];
  /** The types of those keys. */
  readonly types: readonly string[];
}

/**
 * Looks a host up in the text of known_hosts files (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). Revoked keys count as
 * unknown; certificate authorities are left out.
 */
export function findKnownHost(text: string, host: string, port: number): KnownHost {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  const keys = new Map<string, string>();
  const revoked = new Set<string>();
  for (const line of text.split(/\r?\n/)) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith("@") ? words.shift() : undefined;
    const [patterns, type, encoded] = words;
    if (patterns === undefined || patterns.startsWith("#") || type === undefined || encoded === undefined) {
      continue;
    }
    if (!namesHost(patterns, name)) continue;
    const fingerprint = fingerprintOf(Buffer.from(encoded, "base64"));
    if (marker === "@revoked") revoked.add(fingerprint);
    else if (marker === undefined) keys.set(fingerprint, type);
  }
  const good = [...keys].filter(([fingerprint]) => !revoked.has(fingerprint));
  return {
    fingerprints: good.map(([fingerprint]) => fingerprint),
    types: [...new Set(good.map(([, type]) => type))],
  };
}

function namesHost(patterns: string, name: string): boolean {
  const [, salt, wanted] = /^\|1\|([^|]+)\|(.+)$/.exec(patterns) ?? [];
  if (salt !== undefined) {
    return createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest("base64") === wanted;
  }
  const matching = (pattern: string) => globPattern(pattern.toLowerCase()).test(name);
  const all = patterns.split(",");
  return all.some((pattern) => !pattern.startsWith("!") && matching(pattern)) &&
    !all.some((pattern) => pattern.startsWith("!") && matching(pattern.slice(1)));
}

function globPattern(glob: string): RegExp {
  const source = glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`);
}
