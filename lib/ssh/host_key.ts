import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
// @ts-types="@types/ssh2"
import type { ServerHostKeyAlgorithm } from "ssh2";
import { SshError } from "./errors.ts";

/** Host keys that are accepted, as `SHA256:…`; undefined for any. */
export type PinnedKeys = string | readonly string[] | undefined;

/** The fingerprint of a key, as `ssh-keygen -l` prints it: `SHA256:…`. */
export function fingerprintOf(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** Whether a host key is one of those that are accepted. */
export function isPinned(hostKey: string, pinned: PinnedKeys): boolean {
  return pinned === undefined || [pinned].flat().some((each) => each.replace(/=+$/, "") === hostKey);
}

/** A key as known_hosts has it. As RFC 4253, 6.6, encodes it, it begins with the name of its type. */
export function publicKeyLine(key: Buffer): string {
  const type = key.toString("latin1", 4, 4 + key.readUInt32BE(0));
  return `${type} ${key.toString("base64")}`;
}

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
];

/** Algorithms for host keys, those of the types that are known first, as a server shows only one of its keys. */
export function preferredAlgorithms(types: readonly string[] = []): ServerHostKeyAlgorithm[] {
  // The key of the type ssh-rsa signs with three algorithms.
  const isKnown = (name: string) => types.includes(/^(rsa-sha2-|ssh-rsa)/.test(name) ? "ssh-rsa" : name);
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((name) => !isKnown(name))];
}

/** The error for a host key that is not accepted. */
export function hostKeyError(where: string, found: string, pinned: string | readonly string[]): SshError {
  const expected = [pinned].flat();
  if (expected.length === 0) {
    return new SshError("host-key", `${where} is not known; it has the host key ${found}`);
  }
  return new SshError(
    "host-key",
    `${where} has the host key ${found}, not the expected ${expected.join(" or ")}`,
    {
      hint: "Either another machine answers at this address, or its host keys were made anew.",
    },
  );
}
