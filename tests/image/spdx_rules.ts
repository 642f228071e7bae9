import * as v from "valibot";

const id = v.pipe(v.string(), v.regex(/^SPDXRef-[A-Za-z0-9.-]+$/));
const uri = v.pipe(v.string(), v.check((text) => URL.canParse(text) && !text.includes("#")));
const hex = { SHA256: 64, SHA512: 128 } as const;
const noAssertion = v.literal("NOASSERTION");

const checksum = v.pipe(
  v.strictObject({ algorithm: v.picklist(["SHA256", "SHA512"]), checksumValue: v.string() }),
  v.check(
    ({ algorithm, checksumValue }) => new RegExp(`^[0-9a-f]{${hex[algorithm]}}$`).test(checksumValue),
    "not that algorithm's",
  ),
);

const spdxPackage = v.strictObject({
  SPDXID: id,
  name: v.pipe(v.string(), v.nonEmpty()),
  versionInfo: v.optional(v.string()),
  packageFileName: v.optional(v.string()),
  primaryPackagePurpose: v.optional(v.picklist(["OPERATING_SYSTEM", "INSTALL"])),
  downloadLocation: v.union([noAssertion, uri]),
  // No files of a package are listed, so that it needs no verification code.
  filesAnalyzed: v.literal(false),
  checksums: v.optional(v.array(checksum)),
  licenseConcluded: noAssertion,
  licenseDeclared: noAssertion,
  copyrightText: noAssertion,
  sourceInfo: v.optional(v.string()),
  externalRefs: v.optional(v.array(v.strictObject({
    referenceCategory: v.literal("PACKAGE-MANAGER"),
    referenceType: v.literal("purl"),
    referenceLocator: v.pipe(v.string(), v.regex(/^pkg:[a-z]+\/[^\s@]+@[^\s?]+\?[^\s]+$/)),
  }))),
});

// The part of SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3, clauses 6, 7 and 11) that pim's documents use.
const spdxSchema = v.strictObject({
  spdxVersion: v.literal("SPDX-2.3"),
  dataLicense: v.literal("CC0-1.0"),
  SPDXID: v.literal("SPDXRef-DOCUMENT"),
  name: v.pipe(v.string(), v.nonEmpty()),
  documentNamespace: uri,
  creationInfo: v.strictObject({
    created: v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)),
    creators: v.pipe(v.array(v.pipe(v.string(), v.regex(/^(Tool|Organization|Person): \S/))), v.minLength(1)),
  }),
  packages: v.array(spdxPackage),
  relationships: v.array(v.strictObject({
    spdxElementId: id,
    relationshipType: v.picklist(["DESCRIBES", "CONTAINS", "GENERATED_FROM"]),
    relatedSpdxElement: id,
  })),
});

/** What is wrong with a document by the rules of SPDX 2.3. */
export function spdxProblems(document: unknown): string[] {
  const result = v.safeParse(spdxSchema, document);
  if (!result.success) {
    return result.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  }
  const { SPDXID, packages, relationships } = result.output;
  const ids = [SPDXID, ...packages.map((each) => each.SPDXID)];
  const twice = ids.filter((each, index) => ids.indexOf(each) !== index);
  const nobody = relationships.flatMap((each) => [each.spdxElementId, each.relatedSpdxElement])
    .filter((each) => !ids.includes(each));
  const describes = relationships.some((each) => each.relationshipType === "DESCRIBES");
  return [
    ...twice.map((each) => `${each} is there twice`),
    ...nobody.map((each) => `${each} is not there`),
    ...(describes ? [] : ["the document describes nothing"]),
  ];
}
