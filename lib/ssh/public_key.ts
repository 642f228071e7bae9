import { Buffer } from "node:buffer";
import { UsageError } from "../errors.ts";

// What sshd accepts in authorized_keys (sshd(8)); DSA is gone from OpenSSH.
const types: ReadonlySet<string> = new Set([
  "ssh-ed25519",
  "ssh-rsa",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "sk-ssh-ed25519@openssh.com",
  "sk-ecdsa-sha2-nistp256@openssh.com",
]);

/** Whether a text is a private key, of OpenSSH, PEM or PuTTY. */
export function isPrivateKey(text: string): boolean {
  return /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----|^PuTTY-User-Key-File-\d/m.test(text);
}

/**
 * The public keys of a text as in authorized_keys, one a line and each once; throws {@linkcode UsageError} with the line.
 * Nothing of the text is in the message: it could be a secret in the wrong file.
 */
export function parsePublicKeys(text: string, file: string): string[] {
  const keys = new Set<string>();
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const problem = problemOf(line);
    if (problem !== undefined) {
      throw new UsageError(`${file}:${index + 1} is no SSH public key: ${problem}`, {
        hint: "It should be a line such as: ssh-ed25519 AAAA… name (the .pub file that ssh-keygen makes).",
      });
    }
    keys.add(line);
  }
  if (keys.size === 0) throw new UsageError(`${file} contains no SSH public key`);
  return [...keys];
}

function problemOf(line: string): string | undefined {
  // Line ends of all kinds: whoever reads authorized_keys must not see a second line.
  if (/(?!\t)[\p{Cc}\p{Zl}\p{Zp}]/u.test(line)) return "it contains control characters";
  const words = splitOptions(line);
  const at = words.findIndex((word) => types.has(word));
  const type = words[at];
  // Options are one word, however many there are.
  if (type === undefined || at > 1) return "it has no known key type";
  const encoded = words[at + 1] ?? "";
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(encoded)) return "the key is not base64";
  return problemOfBlob(type, Buffer.from(encoded, "base64"));
}

/** The first words of a line; blanks in double quotes belong to the options (sshd(8), AUTHORIZED_KEYS FILE FORMAT). */
function splitOptions(line: string): string[] {
  return line.match(/(?:"(?:\\"|[^"])*"|[^\s"])+/g)?.slice(0, 3) ?? [];
}

/** A key is a list of strings, each after its length in four bytes, the first the key's type (RFC 4253 6.6). */
function problemOfBlob(type: string, blob: Buffer): string | undefined {
  const fields: Buffer[] = [];
  for (let at = 0; at < blob.length;) {
    const end = at + 4 > blob.length ? Infinity : at + 4 + blob.readUInt32BE(at);
    if (end > blob.length) return "the key is cut short";
    fields.push(blob.subarray(at + 4, end));
    at = end;
  }
  if (fields[0]?.toString("latin1") !== type) return `the key is not of the type ${type}`;
  return fields.length < 2 ? "the key is cut short" : undefined;
}
