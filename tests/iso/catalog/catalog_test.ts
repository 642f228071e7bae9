import assert from "node:assert/strict";
import { join } from "node:path";
import { hostArchitecture } from "../../../lib/architecture.ts";
import type { ConfigFolder } from "../../../lib/config/folders.ts";
import type { PimError } from "../../../lib/errors.ts";
import { findIso, getIso, type IsoEntry, loadCatalog, matchIsos } from "../../../lib/iso/catalog/catalog.ts";
import { locationOf, toIsoEntry } from "../../../lib/iso/catalog/entry.ts";
import { compareVersions } from "../../../lib/iso/catalog/version_order.ts";
import { tempDir } from "../../base/temp.ts";

async function withCatalog(
  files: Record<string, string>,
  work: (load: () => Promise<readonly IsoEntry[]>, dir: string) => Promise<void>,
): Promise<void> {
  await using temp = await tempDir();
  const dir = temp.path;
  for (const [name, text] of Object.entries(files)) {
    await Deno.mkdir(join(dir, name, ".."), { recursive: true });
    await Deno.writeTextFile(join(dir, name), text);
  }
  const folders: ConfigFolder[] = [
    { kind: "project", path: join(dir, "project") },
    { kind: "user", path: join(dir, "user") },
  ];
  await work(() => loadCatalog(folders), dir);
}

const entry = (key: string, url = `https://example.org/${key}.iso`) => toIsoEntry(key, { url }, "/base");
const keys = (entries: readonly IsoEntry[]) => entries.map((each) => each.key);

Deno.test("the catalog that comes with pim loads, and its patterns find both Debians and both Ubuntus", async () => {
  const path = new URL("../../../config.example", import.meta.url).pathname;
  const entries = await loadCatalog([{ kind: "user", path }]);
  for (const architecture of ["amd64", "arm64"] as const) {
    assert.deepEqual(keys(matchIsos("debian-*-{arch}-netinst", entries, architecture)), [
      `debian-13-${architecture}-netinst`,
      `debian-12-${architecture}-netinst`,
    ]);
    assert.equal(
      findIso("ubuntu-*-{arch}-live-server", entries, architecture).key,
      `ubuntu-24.04-${architecture}-live-server`,
    );
  }
  for (const each of entries) {
    assert.ok(each.url.startsWith("https://"), each.key);
    assert.equal(each.checksumUrl, new URL("SHA256SUMS", each.url).href);
    assert.ok(each.filename.includes(each.architecture), each.key);
  }
});

Deno.test("project lies over user, every entry over default, and what is built in is no entry", async () => {
  await withCatalog({
    "user/isos.d/a.yml":
      "default:\n  architecture: arm64\none:\n  url: https://example.org/user.iso\ntwo:\n  url: two.iso\n",
    "project/isos.d/b.yaml": "one:\n  url: https://example.org/project.iso\n",
  }, async (load, dir) => {
    const [one, two, ...rest] = await load();
    assert.deepEqual(rest, []);
    assert.equal(one?.filename, "project.iso");
    assert.equal(one?.architecture, "arm64");
    assert.equal(two?.url, join(dir, "user/isos.d/two.iso"));
  });
  assert.deepEqual(
    await loadCatalog([{
      kind: "built-in",
      path: new URL("../../../config.example", import.meta.url).pathname,
    }]),
    [],
  );
});

Deno.test("mistakes in a catalog name the file, the line and the nearest key", async () => {
  for (
    const [text, pattern] of [
      [
        "x:\n  url: https://e.org/amd64.iso\n  cheksum: abc\n",
        /a\.yml:3: .*cheksum.*Did you mean checksum\?/,
      ],
      ["x:\n  url: https://e.org/amd64.iso\n  checksum: md5:abc\n", /a\.yml:3: .*sha256/],
      ["x:\n  name: nothing\n", /url is missing/],
      ["x:\n  url: https://e.org/amd64.iso\n  filename: ../x\n", /a\.yml:3: .*without a folder/],
      ["x:\n  url: https://e.org/amd64.iso\n  architecture: mips\n", /a\.yml:3: .*amd64 or arm64/],
      ["x:\n  url: https://e.org/x.iso\n", /architecture is not known/],
      ["x:\n  url: ftp://e.org/amd64.iso\n", /not supported/],
      ["x:\n  url: https://e.org/amd64/\n", /does not end in a file name/],
    ] as const
  ) {
    await withCatalog({ "user/isos.d/a.yml": text }, async (load) => {
      await assert.rejects(load(), (error: PimError) => {
        assert.equal(error.exitCode, 2);
        assert.match(`${error.message} ${error.hint}`, pattern);
        return true;
      });
    });
  }
});

Deno.test("two ISOs that would be one file in the ISO folder are refused", async () => {
  const both = (url: string, more = "") =>
    `a-amd64:\n  url: https://e.org/amd64/mini.iso\nb-arm64:\n  url: ${url}\n${more}`;
  await withCatalog({ "user/isos.d/a.yml": both("https://e.org/arm64/mini.iso") }, async (load) => {
    await assert.rejects(load(), /a-amd64 and b-arm64 would both be stored as mini.iso/);
  });
  await withCatalog(
    { "user/isos.d/a.yml": both("https://e.org/arm64/mini.iso", "  filename: b.iso\n") },
    async (load) => {
      assert.equal((await load()).length, 2);
    },
  );
});

Deno.test("URLs, paths and file names are understood", () => {
  const located = (url: string) => locationOf(toIsoEntry("amd64", { url, filename: "x" }, "/base"));
  assert.deepEqual(located("https://e.org/x.iso"), { kind: "http", url: "https://e.org/x.iso" });
  assert.deepEqual(located("file:///a%20b/x.iso"), { kind: "copy", path: "/a b/x.iso" });
  assert.deepEqual(located("../x.iso"), { kind: "local", path: "/x.iso" });
  assert.deepEqual(located("/a/./x.iso"), { kind: "local", path: "/a/x.iso" });
  assert.equal(located("~/x.iso").kind, "local");
  assert.equal(entry("k-amd64", "https://e.org/a%20b.iso?x=1#y").filename, "a b.iso");
  for (
    const hostile of ["https://e.org/..%2f..%2fetc%2fpasswd", "https://e.org/.hidden", "https://e.org/%00"]
  ) {
    assert.throws(() => entry("k-amd64", hostile), /does not end in a file name/);
  }
  assert.equal(entry("any", "https://e.org/debian-aarch64.iso").architecture, "arm64");
  assert.equal(entry("any", "https://e.org/x86_64/x.iso").architecture, "amd64");
});

Deno.test("versions are in the order people mean", () => {
  const ordered = [
    "debian-9",
    "debian-12",
    "debian-12.9.0",
    "debian-12.11.0",
    "debian-12.12.0",
    "debian-13-rc1",
    "debian-13",
    "debian-13.1",
  ];
  for (const suffix of ["", "-amd64-netinst"]) {
    const names = ordered.map((name) => name + suffix);
    assert.deepEqual([...names].reverse().sort(compareVersions), names);
  }
});

Deno.test("a pattern takes the newest of its architecture, by any name of it", () => {
  const entries = [
    "debian-12.11-amd64",
    "debian-12.12-amd64",
    "debian-13.1-arm64",
    "debian-9-x86_64",
    "alpine-3.22-x86_64",
  ].map((key) => entry(key));
  assert.deepEqual(keys(matchIsos("debian-*-{arch}", entries, "amd64")), [
    "debian-12.12-amd64",
    "debian-12.11-amd64",
    "debian-9-x86_64",
  ]);
  assert.equal(findIso("debian-*", entries, "arm64").key, "debian-13.1-arm64");
  assert.equal(findIso("debian-12.1?-amd64", entries, "amd64").key, "debian-12.12-amd64");
  assert.equal(findIso("alpine-3.22-x86_64", entries, "amd64").key, "alpine-3.22-x86_64");
  assert.deepEqual(matchIsos("debian.12", entries, "amd64"), []);
});

Deno.test("an ISO that is not there is an error with what was probably meant", () => {
  const entries = ["debian-12-amd64", "debian-13-arm64"].map((key) => entry(key));
  const hinted = (pattern: RegExp) => (error: PimError) => {
    assert.equal(error.exitCode, 2);
    assert.match(`${error.message} | ${error.hint}`, pattern);
    return true;
  };
  assert.throws(() => getIso("debain-12-amd64", entries), hinted(/Did you mean debian-12-amd64/));
  const own = `debian-13-${hostArchitecture()}-netinst`;
  const withoutArchitecture = hinted(new RegExp(`Did you mean ${own}\\?`));
  assert.throws(() => getIso("debian-13-netinst", [...entries, entry(own)]), withoutArchitecture);
  assert.throws(() => findIso("debian-12-amd46", entries, "amd64"), hinted(/Did you mean debian-12-amd64/));
  assert.throws(() => findIso("debian-13-arm64", entries, "amd64"), hinted(/is for arm64, not for amd64/));
  assert.throws(() => findIso("debian-13-*", entries, "amd64"), hinted(/for amd64.*matches ISOs for arm64/));
  assert.throws(() => findIso("x", [], "amd64"), hinted(/pim init/));
});
