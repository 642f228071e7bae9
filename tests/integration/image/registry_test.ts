import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCode, UsageError } from "../../../lib/errors.ts";
import type { ImageEntry } from "../../../lib/image/entry.ts";
import { forgetDeployment, listDeployments, putDeployment } from "../../../lib/image/deployments.ts";
import { checkRegistry, openRegistry, updateRegistry } from "../../../lib/image/registry.ts";
import { run, start } from "../../../lib/process.ts";
import { sampleDeployment, sampleImage, tempFolder } from "../../image/sample.ts";

const adder = fileURLToPath(new URL("add_images.ts", import.meta.url));
const project = fileURLToPath(new URL("../../../deno.json", import.meta.url));
const adding = (path: string, profile: string, count: number) => {
  // No check and no lock file: thirty of these start at once.
  const flags = ["--no-check", "--no-lock", "--quiet", "-A", "--config", project];
  return [Deno.execPath(), "run", ...flags, adder, path, profile, String(count)];
};

Deno.test("a registry that is not there is empty, and the first update makes it", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "data", "registry.yml");
  assert.deepEqual((await openRegistry(path)).list(), []);
  await checkRegistry(path);
  const image = sampleImage("dev", new Date("2026-01-31T12:00:00.5Z"));
  assert.equal(image.name, "dev-amd64-20260131T120000Z");
  await updateRegistry(path, (registry) => registry.add(image));
  assert.deepEqual((await openRegistry(path)).list(), [image]);
  const text = await Deno.readTextFile(path);
  assert.match(text, /^version: 1$/m);
  assert.match(text, /^ {2}dev-amd64-20260131T120000Z:\n {4}profile: dev\n/m);
  assert.match(text, /^ {4}virtual_size: 21474836480$/m);
});

Deno.test("every field survives the file", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const image = sampleImage("web", new Date("2026-02-01T00:00:00Z"), {
    architecture: "arm64",
    firmware: "uefi",
    efiVars: "web.efi-vars.fd",
    sha256: "0".repeat(63) + "1",
    sshPort: 2022,
    manifest: "web.manifest.json",
    sbom: "web.spdx.json",
    key: "f".repeat(64),
    scripts: ["yes", "012", "a: b", "null"],
    username: "1e3",
    iso: { key: "k", filename: "f.iso" },
  });
  await updateRegistry(path, (registry) => registry.add(image));
  assert.deepEqual((await openRegistry(path)).get(image.name), image);
});

Deno.test("an image is found by its name, or as the newest of its profile", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const day = (n: number) => new Date(Date.UTC(2026, 0, n));
  const newer = sampleImage("dev", day(3));
  const older = sampleImage("dev", day(1));
  const arm = sampleImage("dev", day(5), { architecture: "arm64" });
  const other = sampleImage("development", day(9));
  await updateRegistry(
    path,
    (registry) => [newer, other, arm, older].forEach((image) => registry.add(image)),
  );
  const registry = await openRegistry(path);
  assert.deepEqual(registry.list(), [older, newer, arm, other]);
  assert.deepEqual(registry.find("dev"), arm);
  assert.deepEqual(registry.find(older.name), older);
  assert.deepEqual(registry.newest("dev", "amd64"), newer);
  assert.equal(registry.newest("development", "arm64"), undefined);
  assert.equal(registry.find("nothing"), undefined);
  assert.throws(() => registry.get("developmnt"), (error: unknown) => {
    assert(error instanceof UsageError);
    assert.equal(error.hint, "Did you mean development?");
    return true;
  });
});

Deno.test("a profile that has no image yet is told how to get one", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const hintOf = async (name: string) => {
    const registry = await openRegistry(path);
    try {
      registry.get(name);
    } catch (error) {
      return error instanceof UsageError ? error.hint : error;
    }
  };
  assert.equal(await hintOf("server"), "No image was built yet: pim build run server");
  const image = sampleImage("dev", new Date(0));
  await updateRegistry(path, (registry) => registry.add(image));
  const known = `There is: dev, ${image.name}`;
  assert.equal(await hintOf("server"), `${known}. If it is a profile, build it first: pim build run server`);
  assert.equal(await hintOf("/srv/web.qcow2"), known);
});

Deno.test("an image is not added twice, and a change that throws writes nothing", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const image = sampleImage("dev", new Date(0));
  await updateRegistry(path, (registry) => registry.add(image));
  const before = await Deno.stat(path);
  await assert.rejects(
    updateRegistry(path, (registry) => {
      registry.remove(image.name);
      registry.add(sampleImage("web", new Date(0)));
      registry.add(sampleImage("web", new Date(0)));
    }),
    /web-amd64-19700101T000000Z is registered already/,
  );
  assert.deepEqual((await openRegistry(path)).list(), [image]);
  // An update without a change leaves the file alone, and returns what it found.
  assert.equal(await updateRegistry(path, (registry) => registry.list().length), 1);
  assert.equal((await Deno.stat(path)).ino, before.ino);
});

Deno.test("names that would leave the folder are never written", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  for (const name of ["../up", "a/b", "", ".hidden", "-x"]) {
    const image: ImageEntry = { ...sampleImage("dev", new Date(0)), name };
    await assert.rejects(updateRegistry(path, (registry) => registry.add(image)), UsageError);
  }
});

Deno.test("thirty processes that add images at the same time lose none", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const profiles = Array.from({ length: 30 }, (_, n) => `p${n}`);
  const results = await Promise.all(profiles.map((profile) => run(adding(path, profile, 3))));
  const added = results.flatMap(({ stdout }) => stdout.trim().split("\n")).sort();
  assert.equal(added.length, 90);
  const names = (await openRegistry(path)).list().map(({ name }) => name);
  assert.deepEqual(names.sort(), added);
});

Deno.test("processes killed while they write leave a whole registry and no lock", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const added: string[] = [];
  const writers = [0, 1, 2].map((n) => {
    const { promise: some, resolve } = Promise.withResolvers<void>();
    let count = 0;
    const onStdout = (name: string) => {
      added.push(name);
      if (++count === 5 + n) resolve();
    };
    return { process: start(adding(path, `k${n}`, 100_000), { onStdout }), some };
  });
  for (const { process, some } of writers) {
    await Promise.race([some, process.ended.then(() => assert.fail(process.stderr()))]);
    process.kill("SIGKILL");
    await process.ended;
  }
  const last = sampleImage("after", new Date(0));
  await updateRegistry(path, (registry) => registry.add(last));
  const names = new Set((await openRegistry(path)).list().map(({ name }) => name));
  for (const name of [...added, last.name]) assert(names.has(name), name);
  // Each writer may have been killed between its write and its word.
  assert(names.size <= added.length + 1 + writers.length);
});

Deno.test("deployments stay as they are when images are added", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const deployment = sampleDeployment("share", "web-1");
  await putDeployment(path, deployment);
  await updateRegistry(path, (registry) => registry.add(sampleImage("dev", new Date(0))));
  assert.deepEqual(await listDeployments(path), [deployment]);
  await forgetDeployment(path, deployment.id);
  assert.deepEqual(await listDeployments(path), []);
  assert.equal((await openRegistry(path)).list().length, 1);
});

const sound = `version: 1
images:
  dev-amd64-20260101T000000Z:
    profile: dev
    architecture: amd64
    file: dev-amd64-20260101T000000Z.qcow2
    format: qcow2
    virtual_size: 1000
    size: 10
    created: 2026-01-01T00:00:00Z
    firmware: bios
    iso: {key: k, filename: f.iso}
    scripts: []
    username: pim
`;

const damages: [string, (text: string) => string, RegExp][] = [
  ["bad YAML", (text) => text.replace("size: 10\n", "size: [10\n"), /registry\.yml:\d+ is not valid YAML/],
  [
    "a cut end",
    (text) => text.slice(0, text.indexOf("virtual_size")),
    /registry\.yml:3: images\.dev\S+Z\.size is missing/,
  ],
  [
    "a wrong type",
    (text) => text.replace("size: 10\n", "size: big\n"),
    /registry\.yml:9: images\..*\.size must be /,
  ],
  [
    "an unknown field",
    (text) => text.replace("username:", "usernam:"),
    /registry\.yml:14: .*Did you mean username/,
  ],
  ["an unknown key", (text) => `${text}imagse: {}\n`, /registry\.yml:15: imagse .*Did you mean images/],
  [
    "another version",
    (text) => text.replace("version: 1", "version: 2"),
    /registry\.yml:1: version must be 1/,
  ],
  [
    "a path as profile",
    (text) => text.replace("profile: dev", "profile: ../dev"),
    /registry\.yml:4: .*a name of/,
  ],
  ["a path as name", (text) => text.replace("  dev-amd64", "  ../dev-amd64"), /registry\.yml:3: .*a name of/],
  ["no version", (text) => text.replace("version: 1\n", ""), /version is missing/],
  [
    "a path as file",
    (text) => text.replace(" file: dev", " file: ../dev"),
    /registry\.yml:6: .*plain file name/,
  ],
  [
    "a bad time",
    (text) => text.replace("2026-01-01T00:00:00Z\n", "yesterday\n"),
    /registry\.yml:10: .*created/,
  ],
  ["a list", () => "- a\n", /must be a map/],
  ["an empty file", () => "", /version is missing/],
];

for (const [what, damage, message] of damages) {
  Deno.test(`a registry damaged by ${what} is reported, copied once and never replaced`, async () => {
    await using folder = await tempFolder();
    const path = join(folder.path, "registry.yml");
    await Deno.writeTextFile(path, sound);
    assert.equal((await openRegistry(path)).list().length, 1);
    const text = damage(sound);
    await Deno.writeTextFile(path, text);
    const says = (error: unknown): UsageError => {
      assert(error instanceof UsageError, String(error));
      assert.equal(error.exitCode, exitCode.usage);
      assert.match(error.message, message);
      return error;
    };
    await assert.rejects(openRegistry(path), (error: unknown) => says(error).hint!.includes(`mv ${path}`));
    let copy = "";
    const update = updateRegistry(path, (registry) => registry.add(sampleImage("dev", new Date(0))));
    await assert.rejects(update, (error: unknown) => {
      copy = /a copy is in (\S+)\. /.exec(says(error).hint!)![1]!;
      return true;
    });
    assert.equal(await Deno.readTextFile(copy), text);
    assert.equal(await Deno.readTextFile(path), text);
    await assert.rejects(checkRegistry(path), (error: unknown) => says(error).hint!.includes(copy));
    const names = [...Deno.readDirSync(folder.path)].map(({ name }) => name);
    assert.equal(names.filter((name) => name.includes("damaged")).length, 1);
  });
}
