import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import type { ImageEntry } from "../../../lib/image/entry.ts";
import { type Manifest, writeManifest } from "../../../lib/image/manifest.ts";
import { updateRegistry } from "../../../lib/image/registry.ts";
import { registryFile } from "../../../lib/paths.ts";
import { type PimResult, startPim } from "../../e2e/pim.ts";
import { sampleImage } from "../../image/sample.ts";
import { sampleManifest } from "../../image/sample_manifest.ts";
import { type Places, places } from "../../build/places.ts";

const diff = (place: Places, ...args: readonly string[]): Promise<PimResult> =>
  startPim(["build", "diff", ...args], { env: place.env }).result;

/** Registers an image of `web` that was built on this day of January, with this manifest. */
async function addImage(
  place: Places,
  day: number,
  more: Partial<Manifest> | undefined,
  entry: Partial<ImageEntry> = {},
): Promise<string> {
  const image = sampleImage("web", new Date(Date.UTC(2026, 0, day)), entry);
  const manifest = `${image.name}.manifest.json`;
  await updateRegistry(
    registryFile(place.paths),
    (registry) => registry.add({ ...image, ...(more !== undefined && { manifest }) }),
  );
  if (more === undefined) return image.name;
  const sample = sampleManifest(more);
  const { name, created, architecture } = image;
  await writeManifest(join(place.env.PIM_DATA_DIR!, "images", manifest), {
    ...sample,
    image: { ...sample.image, name, created, architecture },
  });
  return image.name;
}

const changed: Partial<Manifest> = {
  packages: [
    { name: "curl", version: "7.88.1-10+deb12u12", architecture: "amd64" },
    { name: "git", version: "1:2.39.2-1.1", architecture: "amd64" },
    { name: "tzdata", version: "2024a-0+deb12u1", architecture: "all" },
  ],
  scripts: [{ name: "base", sha256: "d".repeat(64) }],
};

Deno.test("the newest two images of a profile are compared, and any two that are named", async () => {
  await using place = await places();
  const older = await addImage(place, 1, {});
  await addImage(place, 2, {}, { architecture: "arm64" });
  const newer = await addImage(place, 3, changed);
  const file = join(place.env.PIM_DATA_DIR!, "images", `${older}.manifest.json`);
  const [text, json, back, files] = await Promise.all([
    diff(place, "web"),
    diff(place, older, "web", "--json"),
    diff(place, newer, older),
    diff(place, file, file),
  ]);
  deepEqual([text.code, text.stderr, json.code, json.stderr, files.code], [0, "", 0, "", 0]);
  match(text.stdout, new RegExp(`^image +${older} +${newer}$`, "m"));
  match(text.stdout, /^script base +c{12}… +d{12}…$/m);
  match(text.stdout, /^curl +amd64 +upgraded +7\.88\.1-10\+deb12u5 +7\.88\.1-10\+deb12u12$/m);
  match(text.stdout, /^git +amd64 +added +- +1:2\.39\.2-1\.1$/m);
  match(text.stdout, /^g\+\+ +amd64 +removed +4:12\.2\.0-3 +-$/m);
  const data = JSON.parse(json.stdout);
  deepEqual([data.before.name, data.after.name], [older, newer]);
  equal(data.before.manifest, file);
  deepEqual(data.inputs, [{ what: "script base", before: "c".repeat(64), after: "d".repeat(64) }]);
  deepEqual(data.packages.upgraded, [
    { name: "curl", architecture: "amd64", before: "7.88.1-10+deb12u5", after: "7.88.1-10+deb12u12" },
  ]);
  match(back.stdout, /^curl +amd64 +downgraded /m);
  match(files.stdout, /Both were built from the same inputs\.\n\nThe same packages are in both\.\n$/);
});

Deno.test("builds of two users are compared as far as that can be", async () => {
  await using place = await places();
  await addImage(place, 1, {});
  await addImage(place, 2, { digestId: "fedcba9876543210" });
  const result = await diff(place, "web");
  equal(result.code, 0);
  match(result.stderr, /^note: answer files and variables could not be compared/);
});

Deno.test("an image that cannot be compared is wrong usage, and the reason is told", async () => {
  await using place = await places();
  const only = await addImage(place, 1, undefined);
  const [one, unknown, without, missing] = await Promise.all([
    diff(place, "web"),
    diff(place, "wbe", "web"),
    diff(place, only, only),
    diff(place, "./none.json", only),
  ]);
  const fails = (result: PimResult, error: RegExp, hint: RegExp) => {
    deepEqual([result.code, result.stdout], [2, ""], result.stderr);
    match(result.stderr, error);
    match(result.stderr, hint);
  };
  fails(one, /^error: There is no image of web for amd64 that is older than web-amd64-/m, /^hint: Name two/m);
  fails(unknown, /^error: There is no image "wbe"$/m, /^hint: Did you mean web\?$/m);
  fails(without, /has no manifest: an earlier pim has built it$/m, /^hint: .*pim build run web --force$/m);
  fails(missing, /^error: There is no manifest .*\/none\.json$/m, /^hint: .*pim build show/m);
});
