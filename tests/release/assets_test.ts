import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../lib/process.ts";
import { installScript, writeAssets } from "../../release/assets.ts";
import { packagesOfBinary } from "../../release/packages.ts";
import { billOfMaterials } from "../../release/sbom.ts";
import { binaryName, targets } from "../../release/targets.ts";
import { tempDir } from "../base/temp.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const url = "https://example.org/pim/releases";

Deno.test("the packages of the binary are those that run in it, each with its hash of the lock", async () => {
  const packages = await packagesOfBinary(root);
  const names = packages.map(({ name }) => name);
  for (const name of ["@stricli/core", "ssh2", "valibot", "@aws-sdk/client-s3", "asn1"]) {
    assert.ok(names.includes(name), name);
  }
  // Types, what only tests use, an optional peer, and native add-ons that are not built.
  for (const name of ["@types/ssh2", "ajv", "typescript", "cpu-features"]) {
    assert.ok(!names.includes(name), name);
  }
  assert.deepEqual(names, [...names].sort());
  for (const { integrity } of packages) assert.match(integrity, /^sha512-[\w+/]{86}==$/);
});

interface Part {
  readonly SPDXID: string;
  readonly externalRefs?: readonly { readonly referenceLocator: string }[];
}

Deno.test("the bill of materials contains pim, Deno and each package, by its purl", async () => {
  const packages = await packagesOfBinary(root);
  const commit = { hash: "a".repeat(40), changed: false, date: "2026-11-26T06:00:00Z" };
  const document = billOfMaterials({ version: "1.2.0", commit, deno: "2.9.6", packages }) as {
    readonly packages: readonly Part[];
    readonly relationships: readonly { readonly relatedSpdxElement: string }[];
  };
  assert.equal(document.packages.length, packages.length + 2);
  const ids = document.packages.map(({ SPDXID }) => SPDXID);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  assert.deepEqual(document.relationships.map((each) => each.relatedSpdxElement), ids);
  const purls = document.packages.flatMap((each) => each.externalRefs ?? []).map((each) =>
    each.referenceLocator
  );
  assert.ok(purls.includes("pkg:github/denoland/deno@v2.9.6"));
  assert.ok(purls.some((purl) => /^pkg:npm\/%40stricli\/core@\d/.test(purl)));
  assert.equal(purls.length, packages.length + 1);
});

Deno.test("a released install.sh knows where it came from, and takes nothing that is no URL", async () => {
  const script = await Deno.readTextFile(join(root, "release/install.sh"));
  assert.match(installScript(script, url), /^base_url="https:\/\/example\.org\/pim\/releases"$/m);
  for (const wrong of ["", "releases", 'https://x/"; rm -rf ~; "', "https://x/$(id)"]) {
    assert.throws(() => installScript(script, wrong), /is no URL of releases/);
  }
});

/** A folder with a repository's files as far as a release needs them, and a binary for each target. */
async function readyToRelease() {
  const { version } = JSON.parse(await Deno.readTextFile(join(root, "deno.json")));
  const dir = await tempDir({
    "CHANGELOG.md": `# Changelog\n\n## ${version}\n\n- First.\n`,
    "dist/man/pim.1": ".TH PIM 1\n",
  });
  for (const name of ["main.ts", "lib", "deno.json", "deno.lock", "release"]) {
    await Deno.symlink(join(root, name), join(dir.path, name));
  }
  for (const target of targets) await dir.write(`dist/${binaryName(target)}`, target);
  return dir;
}

Deno.test("SHA256SUMS vouches for every file of a release, and making them again changes nothing", async () => {
  await using dir = await readyToRelease();
  const dist = join(dir.path, "dist");
  const names = await writeAssets(dir.path, dist, url);
  assert.deepEqual(names, [
    ...targets.map(binaryName),
    "install.sh",
    "pim.spdx.json",
    "pim-man.tar.gz",
    "pim-completions.tar.gz",
    "SHA256SUMS",
  ]);
  const { stdout } = await run(["sha256sum", "--check", "--strict", "SHA256SUMS"], { cwd: dist });
  assert.equal(stdout.trim().split("\n").length, names.length - 1);
  assert.equal(await Deno.readTextFile(join(dist, "NOTES.md")), "- First.\n");
  const first = await Deno.readTextFile(join(dist, "SHA256SUMS"));
  await writeAssets(dir.path, dist, url);
  assert.equal(await Deno.readTextFile(join(dist, "SHA256SUMS")), first);
});

Deno.test("a release without one of its binaries is not made", async () => {
  await using dir = await readyToRelease();
  await Deno.remove(join(dir.path, "dist", binaryName("aarch64-apple-darwin")));
  await assert.rejects(
    writeAssets(dir.path, join(dir.path, "dist"), url),
    /dist\/pim-aarch64-apple-darwin is not there/,
  );
});
