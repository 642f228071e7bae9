import { deepEqual, equal, match, ok } from "node:assert/strict";
import { packageUrl } from "../../lib/image/purl.ts";
import { spdxDocument } from "../../lib/image/spdx.ts";
import { sampleManifest } from "./sample_manifest.ts";
import { spdxProblems } from "./spdx_rules.ts";

const sample = () => JSON.parse(JSON.stringify(spdxDocument(sampleManifest())));

Deno.test("a bill of materials keeps the rules of SPDX 2.3", () => {
  deepEqual(spdxProblems(sample()), []);
});

Deno.test("the rules of SPDX 2.3 are really looked at", () => {
  const spoilt: readonly ((document: ReturnType<typeof sample>) => void)[] = [
    (each) => delete each.dataLicense,
    (each) => each.more = 1,
    (each) => each.creationInfo.created = "2026-01-01T12:03:04.567Z",
    (each) => each.packages[2].SPDXID = each.packages[3].SPDXID,
    (each) => each.packages[2].SPDXID = "SPDXRef-g++",
    (each) => delete each.packages[2].downloadLocation,
    (each) => each.relationships[0].relatedSpdxElement = "SPDXRef-Nobody",
    (each) => each.relationships = each.relationships.slice(1),
    (each) => each.packages[0].checksums[0].checksumValue = "short",
  ];
  for (const spoil of spoilt) {
    const document = sample();
    spoil(document);
    ok(spdxProblems(document).length > 0, String(spoil));
  }
});

Deno.test("it describes the image with its checksum, the ISO it was made from, and all packages in it", () => {
  const { packages, relationships, documentNamespace } = spdxDocument(sampleManifest());
  const [image, iso, ...guest] = packages;
  ok(image && iso);
  deepEqual([image.name, image.packageFileName, image.checksums], [
    "web-amd64-20260101T120000Z",
    "web-amd64-20260101T120000Z.qcow2",
    [{ algorithm: "SHA256", checksumValue: "a".repeat(64) }],
  ]);
  deepEqual([iso.name, iso.versionInfo, iso.downloadLocation, iso.checksums?.[0]?.algorithm], [
    "debian-12-amd64-netinst",
    "12.5.0",
    "https://example.org/debian-12.iso",
    "SHA512",
  ]);
  deepEqual(
    guest.map(({ name, versionInfo, externalRefs }) => [
      name,
      versionInfo,
      externalRefs?.[0]?.referenceLocator,
    ]),
    [
      ["curl", "7.88.1-10+deb12u5", "pkg:deb/debian/curl@7.88.1-10%2Bdeb12u5?arch=amd64&distro=debian-12"],
      [
        "g++",
        "4:12.2.0-3",
        "pkg:deb/debian/g%2B%2B@4:12.2.0-3?arch=amd64&distro=debian-12&upstream=gcc-defaults",
      ],
      ["tzdata", "2024a-0+deb12u1", "pkg:deb/debian/tzdata@2024a-0%2Bdeb12u1?arch=all&distro=debian-12"],
    ],
  );
  deepEqual(relationships.map(({ relationshipType }) => relationshipType), [
    "DESCRIBES",
    "GENERATED_FROM",
    "CONTAINS",
    "CONTAINS",
    "CONTAINS",
  ]);
  match(documentNamespace, /^https:\/\/spdx\.org\/spdxdocs\/web-amd64-20260101T120000Z-a{64}$/);
});

Deno.test("names that SPDX cannot spell get identifiers of their own, and no path of the host is told", () => {
  const { iso } = sampleManifest();
  const document = spdxDocument(sampleManifest({
    iso: { ...iso, url: "/srv/isos/debian-12.iso" },
    packages: ["g++", "g--", "g_+"].map((name) => ({ name, version: "1", architecture: "amd64" })),
  }));
  deepEqual(spdxProblems(JSON.parse(JSON.stringify(document))), []);
  ok(!JSON.stringify(document).includes("/srv/"));
});

Deno.test("a package URL is written as each family of systems has it", () => {
  const system = { id: "fedora", prettyName: "Fedora", versionId: "40", kernel: "6.9" };
  const bash = { name: "bash", version: "1:5.2.26-3.fc40", architecture: "x86_64", source: "bash" };
  equal(
    packageUrl({ ...system, packageFormat: "rpm" }, bash),
    "pkg:rpm/fedora/bash@5.2.26-3.fc40?arch=x86_64&distro=fedora-40&epoch=1",
  );
  equal(
    packageUrl({ ...system, id: "alpine", versionId: "3.20.1", packageFormat: "apk" }, {
      name: "ssl_client",
      version: "1.36.1-r29",
      architecture: "x86_64",
      source: "busybox",
    }),
    "pkg:apk/alpine/ssl_client@1.36.1-r29?arch=x86_64&distro=alpine-3.20.1&upstream=busybox",
  );
  equal(packageUrl(system, bash), undefined);
});
