import { writeFileAtomic } from "../files.ts";
import type { GuestPackage, Manifest } from "./manifest.ts";
import { packageUrl } from "./purl.ts";

/** A package of an SPDX document: here the image, the ISO, or a package that is installed in the image. */
export interface SpdxPackage {
  readonly SPDXID: string;
  readonly name: string;
  readonly versionInfo?: string;
  readonly packageFileName?: string;
  readonly primaryPackagePurpose?: "OPERATING_SYSTEM" | "INSTALL";
  readonly downloadLocation: string;
  readonly filesAnalyzed: false;
  readonly checksums?: readonly { readonly algorithm: "SHA256" | "SHA512"; readonly checksumValue: string }[];
  readonly licenseConcluded: "NOASSERTION";
  readonly licenseDeclared: "NOASSERTION";
  readonly copyrightText: "NOASSERTION";
  readonly sourceInfo?: string;
  readonly externalRefs?: readonly {
    readonly referenceCategory: "PACKAGE-MANAGER";
    readonly referenceType: "purl";
    readonly referenceLocator: string;
  }[];
}

/** An SPDX 2.3 document in its JSON form. See https://spdx.github.io/spdx-spec/v2.3. */
export interface SpdxDocument {
  readonly spdxVersion: "SPDX-2.3";
  readonly dataLicense: "CC0-1.0";
  readonly SPDXID: "SPDXRef-DOCUMENT";
  readonly name: string;
  readonly documentNamespace: string;
  readonly creationInfo: { readonly created: string; readonly creators: readonly string[] };
  readonly packages: readonly SpdxPackage[];
  readonly relationships: readonly {
    readonly spdxElementId: string;
    readonly relationshipType: "DESCRIBES" | "CONTAINS" | "GENERATED_FROM";
    readonly relatedSpdxElement: string;
  }[];
}

const imageId = "SPDXRef-Image";
const isoId = "SPDXRef-ISO";

// What pim does not look into: it reads the lists of package managers, not the files of packages.
const unknown = {
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  licenseDeclared: "NOASSERTION",
  copyrightText: "NOASSERTION",
} as const;

/** The software bill of materials of an image: the image, the ISO it was made from, and the packages in it. */
export function spdxDocument(manifest: Manifest): SpdxDocument {
  const { image, pim } = manifest;
  const packages = guestPackages(manifest);
  const contains = packages.map(({ SPDXID }) => relation(imageId, "CONTAINS", SPDXID));
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: image.name,
    // Nothing has to be there. The hash makes it this document's alone, which is what the specification asks for.
    documentNamespace: `https://spdx.org/spdxdocs/${image.name}-${image.sha256}`,
    creationInfo: { created: toSeconds(image.created), creators: [`Tool: pim-${pim.version}`] },
    packages: [imagePackage(manifest), isoPackage(manifest), ...packages],
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", imageId),
      relation(imageId, "GENERATED_FROM", isoId),
      ...contains,
    ],
  };
}

/** Writes an SPDX document as a whole. */
export async function writeSpdx(path: string, document: SpdxDocument): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(document, null, 2)}\n`);
}

function relation(
  spdxElementId: string,
  relationshipType: SpdxDocument["relationships"][number]["relationshipType"],
  relatedSpdxElement: string,
): SpdxDocument["relationships"][number] {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}

function imagePackage({ image, system }: Manifest): SpdxPackage {
  return {
    SPDXID: imageId,
    name: image.name,
    ...(system.versionId !== undefined && { versionInfo: `${system.id} ${system.versionId}` }),
    packageFileName: image.file,
    primaryPackagePurpose: "OPERATING_SYSTEM",
    downloadLocation: "NOASSERTION",
    checksums: [{ algorithm: "SHA256", checksumValue: image.sha256 }],
    ...unknown,
  };
}

function isoPackage({ iso, installer }: Manifest): SpdxPackage {
  const [, algorithm, checksumValue = ""] = /^(sha256|sha512):(.+)$/.exec(iso.checksum) ?? [];
  return {
    SPDXID: isoId,
    name: iso.key,
    ...(installer.version !== undefined && { versionInfo: installer.version }),
    packageFileName: iso.filename,
    primaryPackagePurpose: "INSTALL",
    // A path on the build host is nobody's download location.
    downloadLocation: /^https?:/.test(iso.url) ? iso.url : "NOASSERTION",
    ...(algorithm !== undefined && {
      checksums: [{ algorithm: algorithm === "sha512" ? "SHA512" : "SHA256", checksumValue }],
    }),
    ...unknown,
  };
}

function guestPackages({ system, packages }: Manifest): SpdxPackage[] {
  const taken = new Set<string>();
  return packages.map((each) => {
    const purl = packageUrl(system, each);
    return {
      SPDXID: ownId(each, taken),
      name: each.name,
      versionInfo: each.version,
      downloadLocation: "NOASSERTION",
      ...unknown,
      ...(each.source !== undefined && { sourceInfo: `built from the source package ${each.source}` }),
      ...(purl !== undefined && {
        externalRefs: [{
          referenceCategory: "PACKAGE-MANAGER",
          referenceType: "purl",
          referenceLocator: purl,
        }],
      }),
    };
  });
}

/** An identifier of letters, digits, dots and dashes; g++ and g-- get different ones all the same. */
function ownId({ name, architecture }: GuestPackage, taken: Set<string>): string {
  const base = `SPDXRef-Package-${`${name}-${architecture}`.replace(/[^A-Za-z0-9.-]/g, "-")}`;
  let id = base;
  for (let n = 2; taken.has(id); n++) id = `${base}-${n}`;
  taken.add(id);
  return id;
}

/** SPDX times have no fractions of a second. */
function toSeconds(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}
