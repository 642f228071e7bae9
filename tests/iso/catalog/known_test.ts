import assert from "node:assert/strict";
import type { PimError } from "../../../lib/errors.ts";
import { findIso, getIso, loadCatalog, matchIsos } from "../../../lib/iso/catalog/catalog.ts";
import { toIsoEntry } from "../../../lib/iso/catalog/entry.ts";
import { checkFields } from "../../../lib/iso/catalog/entry_file.ts";
import { adviceToAdd, findKnown, knownIsos, searchKnown } from "../../../lib/iso/catalog/known/find_known.ts";
import { currentVersion, withVersion } from "../../../lib/iso/catalog/newest.ts";
import { fingerprintOf } from "../../../lib/iso/catalog/rules.ts";
import { writtenEntries } from "../../../lib/iso/catalog/entry_file.ts";

const entries = knownIsos.map((iso) => ({ iso, entry: toIsoEntry(iso.key, checkFields(iso.fields), "/") }));

Deno.test("every known ISO is an entry that the catalog takes, under a key and a file name of its own", () => {
  assert.equal(new Set(knownIsos.map(({ key }) => key)).size, knownIsos.length);
  assert.equal(new Set(entries.map(({ entry }) => entry.filename)).size, knownIsos.length);
  for (const { iso, entry } of entries) {
    assert.equal(iso.key.replace(`-${iso.architecture}`, ""), iso.family);
    assert.equal(entry.architecture, iso.architecture, iso.key);
    const urls = [
      entry.url,
      entry.checksumUrl,
      entry.signature?.url,
      entry.signature?.keyUrl,
      entry.release?.url,
    ];
    for (const url of [...urls, ...entry.mirrors, ...iso.sources]) {
      assert.ok(url === undefined || url.startsWith("https://"), `${iso.key}: ${url}`);
    }
    assert.ok(entry.checksumUrl !== undefined && entry.filename.endsWith(".iso"), iso.key);
    assert.ok(iso.sources.length > 0, iso.key);
  }
});

Deno.test("the file of an ISO says its architecture, in the distribution's own word", () => {
  for (const { iso, entry } of entries) {
    const words = iso.architecture === "amd64" ? /amd64|x86_64/ : /arm64|aarch64/;
    assert.match(entry.filename, words, iso.key);
    for (const mirror of entry.mirrors) assert.equal(mirror.split("/").at(-1), entry.filename, iso.key);
  }
});

Deno.test("who signs is named by a whole fingerprint with a URL for the key, and who does not sign has a note", () => {
  for (const { iso, entry } of entries) {
    if (entry.signature === undefined) assert.match(iso.note ?? "", /no signature/, iso.key);
    else {
      assert.deepEqual(entry.signature.keys, entry.signature.keys.map(fingerprintOf), iso.key);
      assert.ok(entry.signature.keyUrl !== undefined, iso.key);
    }
  }
});

Deno.test("a release rule finds the version in the ISO's own URL, and a newer one changes every URL of it", () => {
  for (const { iso, entry } of entries) {
    if (entry.release === undefined) {
      assert.match(iso.note ?? "", /no release rule/, iso.key);
      continue;
    }
    const current = currentVersion(iso.key, entry.url, entry.release);
    const urls = [entry.url, entry.checksumUrl, entry.signature?.url, ...entry.mirrors];
    for (const url of urls.filter((each) => each !== undefined)) {
      const next = withVersion(url, current, "99.9");
      assert.ok(next.includes("99.9") && !next.includes(current), `${iso.key}: ${next}`);
    }
    assert.doesNotMatch(entry.name, new RegExp(`${current.replaceAll(".", "\\.")}$`));
  }
});

Deno.test("the catalog that pim init writes says the same as what pim knows, without the signatures", async () => {
  const folder = {
    kind: "user",
    path: new URL("../../../config.example", import.meta.url).pathname,
  } as const;
  const written = await writtenEntries([folder]);
  assert.ok(written.length >= 8);
  for (const { key, merged } of written) {
    const known = knownIsos.find((iso) => iso.key === key);
    assert.ok(known !== undefined, `${key} is not known`);
    const { signature_url: _1, signing_key: _2, signing_key_url: _3, mirrors: _4, ...rest } = known.fields;
    assert.deepEqual({ ...merged }, rest, key);
  }
});

Deno.test("a known ISO is found with its architecture and without, and by words", () => {
  assert.equal(findKnown("debian-13-netinst", "arm64")?.key, "debian-13-arm64-netinst");
  assert.equal(findKnown("debian-13-amd64-netinst", "arm64")?.key, "debian-13-amd64-netinst");
  assert.equal(findKnown("opensuse-leap-16.0-offline", "arm64"), undefined);
  assert.deepEqual(searchKnown(["LEAP", "16"]).map(({ key }) => key), ["opensuse-leap-16.0-amd64-offline"]);
  assert.equal(searchKnown([]).length, knownIsos.length);
  assert.ok(searchKnown([], "arm64").every(({ architecture }) => architecture === "arm64"));
});

Deno.test("an ISO that is not in the catalog but known is one command away", async () => {
  const hint = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      return (error as PimError).hint;
    }
  };
  const entry = toIsoEntry("mine-amd64", { url: "https://example.org/mine.iso" }, "/");
  assert.equal(
    hint(() => findIso("debian-*-{arch}-netinst", [entry], "arm64")),
    "Add it with: pim iso add debian-13-netinst",
  );
  assert.equal(
    hint(() => findIso("debian-12-amd64-netinst", [entry], "amd64")),
    "Add it with: pim iso add debian-12-netinst",
  );
  assert.equal(
    hint(() => getIso("fedora-44-server-netinst", [entry])),
    "Add it with: pim iso add fedora-44-server-netinst",
  );
  assert.match(hint(() => getIso("mine-amd46", [entry])) ?? "", /^Did you mean mine-amd64\?/);
  assert.equal(adviceToAdd("windows-11", "amd64"), undefined);
  const folder = {
    kind: "user",
    path: new URL("../../../config.example", import.meta.url).pathname,
  } as const;
  const example = await loadCatalog([folder]);
  assert.equal(matchIsos("debian-13-amd64-netinst", example, "amd64").length, 1);
});
