import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** A packet of an OpenPGP message (RFC 9580, 4). */
export interface Packet {
  readonly tag: number;
  readonly body: Uint8Array;
  /** Where it begins and ends in the bytes that it was read from. */
  readonly start: number;
  readonly end: number;
}

/** A public key with all that belongs to it, as a keyring holds it. */
export interface PublicKey {
  /** Of the primary key first, then of its subkeys; upper-case hexadecimal. */
  readonly fingerprints: readonly string[];
  readonly bytes: Uint8Array;
}

/** Tags of the packets that pim looks at. */
export const packetTag = { signature: 2, publicKey: 6, publicSubkey: 14 } as const;

/** Whether these are the bytes of a keybox, GnuPG's own format of keyrings. */
export function isKeybox(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(8, 12)).toString("latin1") === "KBXf";
}

/** The bytes in ASCII armour (RFC 9580, 6), all blocks of this kind after one another; other bytes as they are. */
export function dearmor(bytes: Uint8Array, kind: "PUBLIC KEY BLOCK" | "SIGNATURE"): Uint8Array {
  // The first bit of a packet is set, and no letter of an armour has it.
  if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) return bytes;
  const block = new RegExp(`^-----BEGIN PGP ${kind}-----\\s*\\n([^]*?)^-----END PGP ${kind}-----`, "gm");
  const text = Buffer.from(bytes).toString("latin1").replaceAll("\r", "");
  const parts = [...text.matchAll(block)].map(([, inner = ""]) => {
    const body = inner.replace(/^(?:[A-Za-z]+: .*\n)*\s*\n/, "");
    // The checksum that may follow is of no use: what was damaged fails to verify.
    return Buffer.from(body.replace(/^=.{4}$/m, ""), "base64");
  });
  return Buffer.concat(parts);
}

/** The packets of an OpenPGP message; undefined when it is damaged or none. */
export function readPackets(bytes: Uint8Array): readonly Packet[] | undefined {
  const packets: Packet[] = [];
  for (let start = 0; start < bytes.length;) {
    const head = readHead(bytes, start);
    if (head === undefined || head.end > bytes.length) return undefined;
    const { tag, bodyStart, end } = head;
    packets.push({ tag, body: bytes.subarray(bodyStart, end), start, end });
    start = end;
  }
  return packets.length === 0 ? undefined : packets;
}

interface Head {
  readonly tag: number;
  readonly bodyStart: number;
  readonly end: number;
}

function readHead(bytes: Uint8Array, start: number): Head | undefined {
  const [first = 0, second = 0, third = 0] = bytes.subarray(start, start + 3);
  const at = (tag: number, bodyStart: number, length: number) => ({
    tag,
    bodyStart,
    end: bodyStart + length,
  });
  const number = (offset: number, size: number) =>
    bytes.subarray(offset, offset + size).reduce((sum, byte) => sum * 256 + byte, 0);
  if (first < 0x80) return undefined;
  if (first >= 0xc0) {
    if (second < 192) return at(first & 0x3f, start + 2, second);
    if (second < 224) return at(first & 0x3f, start + 3, (second - 192) * 256 + third + 192);
    // A length in parts is for data only.
    return second === 255 ? at(first & 0x3f, start + 6, number(start + 2, 4)) : undefined;
  }
  const size = [1, 2, 4][first & 3];
  return size === undefined ? undefined : at((first >> 2) & 0xf, start + 1 + size, number(start + 1, size));
}

/** The public keys of a keyring, armoured or not; none when it is damaged or in another format. */
export function publicKeysOf(file: Uint8Array): readonly PublicKey[] {
  const bytes = dearmor(file, "PUBLIC KEY BLOCK");
  const packets = readPackets(bytes) ?? [];
  const starts = packets.flatMap(({ tag }, index) => tag === packetTag.publicKey ? [index] : []);
  return starts.map((first, index) => {
    const own = packets.slice(first, starts[index + 1]);
    const keys = own.filter(({ tag }) => tag === packetTag.publicKey || tag === packetTag.publicSubkey);
    return {
      fingerprints: keys.map(({ body }) => fingerprintOfKey(body)).filter((each) => each !== undefined),
      bytes: bytes.subarray(own[0]?.start, own.at(-1)?.end),
    };
  });
}

/** The fingerprint of a key packet (RFC 9580, 5.5.4); undefined for versions that nobody uses any more. */
function fingerprintOfKey(body: Uint8Array): string | undefined {
  const head = Buffer.alloc(5);
  if (body[0] === 4) {
    head.writeUInt8(0x99);
    head.writeUInt16BE(body.length, 1);
    return createHash("sha1").update(head.subarray(0, 3)).update(body).digest("hex").toUpperCase();
  }
  if (body[0] !== 6) return undefined;
  head.writeUInt8(0x9b);
  head.writeUInt32BE(body.length, 1);
  return createHash("sha256").update(head).update(body).digest("hex").toUpperCase();
}
