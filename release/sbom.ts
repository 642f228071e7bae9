import { Buffer } from "node:buffer";
import type { Commit } from "../lib/commit.ts";
import type { Package } from "./packages.ts";

/** What the bill of materials describes. */
export interface Contents {
  readonly version: string;
  readonly commit: Commit | undefined;
  /** The version of the runtime that the binaries begin with. */
  readonly deno: string;
  readonly packages: readonly Package[];
}

const binaryId = "SPDXRef-pim";
const denoId = "SPDXRef-deno";

// What is not looked into: the texts of licenses.
const unknown = {
  filesAnalyzed: false,
  licenseConcluded: "NOASSERTION",
  copyrightText: "NOASSERTION",
} as const;

/** The bill of materials of a release in SPDX 2.3: pim, Deno's runtime, and the packages of npm as deno.lock has them. */
export function billOfMaterials({ version, commit, deno, packages }: Contents): object {
  const parts = packages.map(packagePart);
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `pim-${version}`,
    documentNamespace: `https://spdx.org/spdxdocs/pim-${version}-${commit?.hash ?? "unknown"}`,
    creationInfo: {
      created: commit?.date ?? "1970-01-01T00:00:00Z",
      creators: [`Tool: pim-release-${version}`],
    },
    packages: [
      {
        SPDXID: binaryId,
        name: "pim",
        versionInfo: version,
        primaryPackagePurpose: "APPLICATION",
        downloadLocation: "NOASSERTION",
        licenseDeclared: "MIT",
        ...unknown,
        ...(commit !== undefined && { sourceInfo: `built from the commit ${commit.hash}` }),
      },
      {
        SPDXID: denoId,
        name: "deno",
        versionInfo: deno,
        downloadLocation: `https://github.com/denoland/deno/releases/tag/v${deno}`,
        licenseDeclared: "MIT",
        ...unknown,
        externalRefs: [purl(`pkg:github/denoland/deno@v${deno}`)],
      },
      ...parts,
    ],
    relationships: [
      relation("SPDXRef-DOCUMENT", "DESCRIBES", binaryId),
      ...[denoId, ...parts.map(({ SPDXID }) => SPDXID)].map((id) => relation(binaryId, "CONTAINS", id)),
    ],
  };
}

function packagePart({ name, version, integrity }: Package) {
  const digest = Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex");
  return {
    SPDXID: `SPDXRef-npm-${`${name}-${version}`.replace(/[^A-Za-z0-9.-]/g, "-")}`,
    name,
    versionInfo: version,
    // Its purl and its checksum say what it is, whichever mirror it came from.
    downloadLocation: "NOASSERTION",
    checksums: [{ algorithm: "SHA512", checksumValue: digest }],
    licenseDeclared: "NOASSERTION",
    ...unknown,
    // In a purl the @ of a scope is written %40. See https://github.com/package-url/purl-spec.
    externalRefs: [purl(`pkg:npm/${name.replace("@", "%40")}@${version}`)],
  };
}

function purl(referenceLocator: string) {
  return { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator };
}

function relation(spdxElementId: string, relationshipType: string, relatedSpdxElement: string) {
  return { spdxElementId, relationshipType, relatedSpdxElement };
}
