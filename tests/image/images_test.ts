import assert from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../lib/errors.ts";
import type { ImageEntry } from "../../lib/image/entry.ts";
import { ImageInUseError, imageName, listImages, removeImage } from "../../lib/image/images.ts";
import { openRegistry, updateRegistry } from "../../lib/image/registry.ts";
import { sampleImage, tempFolder } from "./sample.ts";

const unused = () => Promise.resolve([]);

async function register(folder: string, ...images: ImageEntry[]) {
  const places = { registryPath: join(folder, "registry.yml"), imageDir: join(folder, "images") };
  await Deno.mkdir(places.imageDir);
  await updateRegistry(places.registryPath, (registry) => images.forEach((image) => registry.add(image)));
  return { ...places, write: (name: string) => Deno.writeTextFile(join(places.imageDir, name), "12345") };
}

Deno.test("an image's name has profile, architecture and UTC time, and is safe in a path", () => {
  const date = new Date("2026-03-01T01:02:03+02:00");
  assert.equal(imageName("dev.small", "arm64", date), "dev.small-arm64-20260228T230203Z");
  for (const profile of ["../x", "", "a b"]) {
    assert.throws(() => imageName(profile, "amd64", date), UsageError);
  }
  const longest = "x".repeat(41);
  assert.equal(imageName(longest, "amd64", date).length, 64);
  assert.throws(() => imageName(`${longest}yz`, "amd64", date), {
    message: /^The profile's name is too long for images of it: x+yz$/,
    hint: /^An image is called PROFILE-amd64-\d+T\d+Z, .*: shorten the name by 2\.$/,
  });
});

Deno.test("the listing tells present, missing and unregistered images apart", async () => {
  await using folder = await tempFolder();
  const there = sampleImage("dev", new Date(1e12));
  const gone = sampleImage("dev", new Date(2e12));
  const places = await register(folder.path, there, gone);
  for (const name of [there.file, "stray.qcow2", ".part.qcow2", "stray.qcow2.part", "notes.txt"]) {
    await places.write(name);
  }
  await Deno.mkdir(join(places.imageDir, "folder.qcow2"));
  const { images, unregistered } = await listImages(places);
  assert.deepEqual(images.map(({ name, diskBytes }) => [name, diskBytes]), [
    [there.name, 5],
    [gone.name, undefined],
  ]);
  assert.deepEqual(unregistered.map(({ path, diskBytes }) => [path, diskBytes]), [
    [join(places.imageDir, "stray.qcow2"), 5],
  ]);
  assert(unregistered[0]!.modified instanceof Date);
});

Deno.test("an image folder that does not exist yet lists nothing", async () => {
  await using folder = await tempFolder();
  const places = { registryPath: join(folder.path, "registry.yml"), imageDir: join(folder.path, "none") };
  assert.deepEqual(await listImages(places), { images: [], unregistered: [] });
});

Deno.test("removing an image takes its files and its entry, and nothing else", async () => {
  await using folder = await tempFolder();
  const beside = { efiVars: "dev.efi-vars.fd", manifest: "dev.manifest.json", sbom: "dev.spdx.json" };
  const image = sampleImage("dev", new Date(1e12), { firmware: "uefi", ...beside });
  const other = sampleImage("web", new Date(1e12));
  const places = await register(folder.path, image, other);
  for (const name of [image.file, ...Object.values(beside), ...image.logs, other.file]) {
    await places.write(name);
  }
  assert.deepEqual(await removeImage(image.name, places, unused), image);
  assert.deepEqual([...Deno.readDirSync(places.imageDir)].map(({ name }) => name), [other.file]);
  assert.deepEqual((await openRegistry(places.registryPath)).list(), [other]);
});

Deno.test("an image whose files are gone already can be removed", async () => {
  await using folder = await tempFolder();
  const image = sampleImage("dev", new Date(1e12));
  const places = await register(folder.path, image);
  await removeImage(image.name, places, unused);
  assert.deepEqual((await openRegistry(places.registryPath)).list(), []);
});

Deno.test("an image that VMs use stays whole, and the error names them", async () => {
  await using folder = await tempFolder();
  const image = sampleImage("dev", new Date(1e12));
  const places = await register(folder.path, image);
  await places.write(image.file);
  const asked: string[] = [];
  const removal = removeImage(image.name, places, (path) => {
    asked.push(path);
    return Promise.resolve(["demo", "web"]);
  });
  await assert.rejects(removal, (error: unknown) => {
    assert(error instanceof ImageInUseError);
    assert.equal(error.message, `The image ${image.name} is used by the VMs demo, web`);
    assert.equal(error.hint, "Remove them first: pim rm demo web");
    return true;
  });
  assert.deepEqual(asked, [join(places.imageDir, image.file)]);
  assert.equal(await Deno.readTextFile(join(places.imageDir, image.file)), "12345");
  assert.deepEqual((await openRegistry(places.registryPath)).list(), [image]);
});

Deno.test("only a full image name removes; a profile's name or a typing error gets a suggestion", async () => {
  await using folder = await tempFolder();
  const image = sampleImage("dev", new Date(1e12));
  const places = await register(folder.path, image);
  await places.write(image.file);
  for (const name of ["dev", image.name.replace("amd64", "amd46")]) {
    await assert.rejects(removeImage(name, places, unused), (error: unknown) => {
      assert(error instanceof UsageError);
      assert(error.hint?.includes(image.name), error.hint);
      return true;
    });
  }
  assert.equal((await listImages(places)).images[0]?.diskBytes, 5);
});
