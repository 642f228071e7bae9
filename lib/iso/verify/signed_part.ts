import { Buffer } from "node:buffer";
import { exitCode, PimError } from "../../errors.ts";
import { showUrl } from "../../http/error.ts";
import { dearmor, packetTag, readPackets } from "./openpgp.ts";

const begin = "-----BEGIN PGP SIGNED MESSAGE-----";

/** The signed part of a text with a signature in line; what stands around it must not come near gpgv. */
export function inlinePart(what: string, content: Uint8Array): Uint8Array {
  const text = Buffer.from(content).toString("latin1");
  const [part, ...more] = text.match(
    /^-----BEGIN PGP SIGNED MESSAGE-----\r?$[^]*?^-----END PGP SIGNATURE-----\r?$/gm,
  ) ?? [];
  if (part !== undefined && more.length === 0 && part.split(begin).length === 2) {
    return Buffer.from(`${part}\n`, "latin1");
  }
  const why = part === undefined ? "it carries no signature" : "it has several signed parts";
  throw new PimError(`Cannot verify ${showUrl(what)}: ${why}`, {
    exitCode: exitCode.checksum,
    hint: "Set `signature_url` of this ISO in isos.d to where the signature is.",
  });
}

/** A detached signature without its armour; a message that brings its own content is none. */
export function detachedSignature(url: string, bytes: Uint8Array): Uint8Array {
  const signature = dearmor(bytes, "SIGNATURE");
  const packets = readPackets(signature);
  if (packets?.every(({ tag }) => tag === packetTag.signature)) return signature;
  throw new PimError(`${showUrl(url)} is no detached signature`, {
    exitCode: exitCode.checksum,
    hint:
      "Correct `signature_url` of this ISO in isos.d; for a file that is signed in line it is the file's own URL.",
  });
}
