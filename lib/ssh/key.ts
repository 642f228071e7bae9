import { Buffer } from "node:buffer";
import { generateKeyPair as generate, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { PimError } from "../errors.ts";

/** Both halves of a key, in OpenSSH's formats. */
export interface KeyPair {
  /** The text of an unencrypted private key file. */
  readonly privateKey: string;
  /** One line as in authorized_keys, without a newline. */
  readonly publicKey: string;
}

const keyType = "ssh-ed25519";

/**
 * Makes a new ed25519 key pair. It is in memory only; the comment ends the public key's line.
 * The encoding is our own: ssh2 1.17 spoils every 256th key by dropping leading zeros (mscdex/ssh2 issue 1513).
 */
export async function generateKeyPair(comment: string): Promise<KeyPair> {
  // A line break would smuggle a second line into authorized_keys.
  if (/[\r\n]/.test(comment)) throw new PimError("The comment of an SSH key must be one line");
  const jwk = (await promisify(generate)("ed25519")).privateKey.export({ format: "jwk" });
  return encodeKeyPair(Buffer.from(jwk.d!, "base64url"), Buffer.from(jwk.x!, "base64url"), comment);
}

/** Writes the 32 bytes of seed and of public key in OpenSSH's formats (its file PROTOCOL.key, and RFC 8709). */
function encodeKeyPair(seed: Uint8Array, publicBytes: Uint8Array, comment: string): KeyPair {
  const publicBlob = Buffer.concat([field(keyType), field(publicBytes)]);
  const check = randomBytes(4);
  const secret = Buffer.concat([
    check,
    check,
    publicBlob,
    field(Buffer.concat([seed, publicBytes])),
    field(comment),
  ]);
  // Unencrypted: blocks of 8, filled up with 1, 2, 3 ...
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7].slice(0, -secret.length & 7));
  const file = Buffer.concat([
    Buffer.from("openssh-key-v1\0"),
    field("none"), // cipher
    field("none"), // key derivation
    field(""), // its options
    Buffer.from([0, 0, 0, 1]), // number of keys
    field(publicBlob),
    field(Buffer.concat([secret, padding])),
  ]);
  const lines = file.toString("base64").match(/.{1,70}/g) ?? [];
  return {
    privateKey: [
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      ...lines,
      "-----END OPENSSH PRIVATE KEY-----",
      "",
    ].join("\n"),
    publicKey: `${keyType} ${publicBlob.toString("base64")} ${comment}`.trimEnd(),
  };
}

/** A string of RFC 4251 section 5: its length in four bytes, then its bytes. */
function field(content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content as Uint8Array);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
