import { type Architecture, architectures } from "../../../architecture.ts";
import type { IsoFields } from "../entry.ts";

/** An ISO that pim knows without a catalog: what `pim iso add` writes into one. */
export interface KnownIso {
  /** The key that it gets in a catalog; the architecture is a part of it. */
  readonly key: string;
  /** The key without its architecture, which means the ISO for whatever architecture is wanted. */
  readonly family: string;
  readonly architecture: Architecture;
  readonly fields: IsoFields;
  /** Pages that state the facts: the names of files, who signs them. */
  readonly sources: readonly string[];
  /** What is left out of the facts, and why. */
  readonly note?: string;
}

/** An ISO as its distribution's file states it, for one architecture. */
export interface Facts {
  /** What tells it from the distribution's other ISOs, behind the architecture in its key: "netinst". */
  readonly kind: string;
  readonly name: string;
  /** The folder of the ISO, with a slash at the end. */
  readonly folder: string;
  readonly file: string;
  /** URLs, or names beside the ISO. */
  readonly checksums: string;
  readonly signature?: string;
  readonly mirrors?: readonly string[];
  readonly release?: { readonly url: string; readonly pattern: string };
}

/** Who signs a distribution's checksum files. */
export interface Signed {
  readonly fingerprint: string;
  readonly keyUrl: string;
}

/** The ISOs of a release of a distribution, for both architectures or those for which there are facts. */
export function isosOf(
  release: string,
  about: { readonly sources: readonly string[]; readonly note?: string; readonly signed?: Signed },
  facts: (architecture: Architecture) => readonly Facts[],
): readonly KnownIso[] {
  const { sources, note, signed } = about;
  return architectures.flatMap((architecture) =>
    facts(architecture).map((each) => ({
      key: `${release}-${architecture}-${each.kind}`,
      family: `${release}-${each.kind}`,
      architecture,
      fields: fieldsOf(each, architecture, signed),
      sources,
      ...(note !== undefined && { note }),
    }))
  );
}

function fieldsOf(facts: Facts, architecture: Architecture, signed: Signed | undefined): IsoFields {
  const { name, folder, file, checksums, signature, mirrors, release } = facts;
  return {
    name: `${name}, ${architecture}`,
    url: folder + file,
    checksum_url: new URL(checksums, folder).href,
    ...(mirrors !== undefined && { mirrors: mirrors.map((mirror) => mirror + file) }),
    ...(signature !== undefined && signed !== undefined && {
      signature_url: new URL(signature, folder).href,
      signing_key: signed.fingerprint,
      signing_key_url: signed.keyUrl,
    }),
    ...(release !== undefined && { release: { ...release } }),
    architecture,
  };
}
