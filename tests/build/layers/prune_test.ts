import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { layersInUse } from "../../../lib/build/layers/in_use.ts";
import { layersToPrune, pruneLayers } from "../../../lib/build/layers/prune.ts";
import type { KeptLayer } from "../../../lib/build/layers/record.ts";
import { layerFiles, listLayers } from "../../../lib/build/layers/store.ts";
import { buildsDir } from "../../../lib/paths.ts";
import { createDisk, createOverlay } from "../../../lib/qemu/img.ts";
import { planned } from "../states.ts";
import { type Places, places } from "../places.ts";
import { keptLayer, planWeb, webConfig, writeLayer } from "./keyed_plan.ts";

const day = 86_400_000;
const now = Date.parse("2026-02-01T00:00:00Z");
const nobody = new Map<string, string>();

/** install <- base <- one <- two, and of `one` a sibling that was made of another script; all used a day apart. */
async function tree(place: Places): Promise<KeptLayer[]> {
  const plan = await planWeb(place);
  const layer = (step: string, id: string, parent: string | undefined, daysAgo: number, more = {}) =>
    keptLayer(place, plan, step, {
      id,
      ...(parent !== undefined && { parent }),
      lastUsed: new Date(now - daysAgo * day),
      ...more,
    });
  return [
    layer("install", "install", undefined, 1),
    layer("script base", "base", "install", 1),
    layer("script one", "one", "base", 3),
    layer("script one", "sibling", "base", 1, { key: "f".repeat(64) }),
    layer("script two", "two", "one", 3),
  ];
}

const ids = (removed: readonly { readonly layer: KeptLayer }[]) => removed.map(({ layer }) => layer.id);

Deno.test("without limits only what no build can use goes: the damaged and the superseded", async () => {
  await using place = await places(webConfig());
  const layers = await tree(place);
  deepStrictEqual(ids(layersToPrune(layers, nobody, {}, now)), []);
  const torn = layers.map((layer) => layer.id === "two" ? { ...layer, damage: "torn" } : layer);
  deepStrictEqual(ids(layersToPrune(torn, nobody, {}, now)), ["two"]);
  const [install] = layers;
  ok(install);
  const newer = { ...install, id: "newer", created: "2026-01-02T00:00:00.000Z" };
  // The old one carries others, which are still good.
  deepStrictEqual(ids(layersToPrune([...layers, newer], nobody, {}, now)), []);
  deepStrictEqual(ids(layersToPrune([install, newer], nobody, {}, now)), ["install"]);
});

Deno.test("old layers go, each before the one that it lies on", async () => {
  await using place = await places(webConfig());
  const layers = await tree(place);
  deepStrictEqual(ids(layersToPrune(layers, nobody, { olderThanMs: 2 * day }, now)), ["two", "one"]);
  deepStrictEqual(ids(layersToPrune(layers, nobody, { olderThanMs: 0 }, now)).at(-1), "install");
});

Deno.test("what is needed stays whatever the limits, with all that it lies on", async () => {
  await using place = await places(webConfig());
  const layers = await tree(place);
  const users = new Map(["install", "base", "one"].map((id) => [id, "the VM x"]));
  deepStrictEqual(ids(layersToPrune(layers, users, { maxBytes: 0, olderThanMs: 0 }, now)).sort(), [
    "sibling",
    "two",
  ]);
});

Deno.test("to make room the longest unused go first", async () => {
  await using place = await places(webConfig());
  const layers = await tree(place);
  deepStrictEqual(ids(layersToPrune(layers, nobody, { maxBytes: 400 }, now)), ["two"]);
  deepStrictEqual(ids(layersToPrune(layers, nobody, { maxBytes: 250 }, now)), ["two", "one", "sibling"]);
  deepStrictEqual(ids(layersToPrune(layers, nobody, { maxBytes: 500 }, now)), []);
});

Deno.test("layers on disk: a changed disk is damage to all above it, and strays are no layers", async () => {
  await using place = await places(webConfig());
  for (const layer of await tree(place)) await writeLayer(layer);
  await Deno.mkdir(layerFiles(place.paths, ".half-made").dir);
  await Deno.mkdir(layerFiles(place.paths, "no-record").dir);
  strictEqual((await listLayers(place.paths)).filter(({ damage }) => damage !== undefined).length, 0);
  await Deno.writeTextFile(layerFiles(place.paths, "base").disk, "scribble", { append: true });
  const damaged = (await listLayers(place.paths)).filter(({ damage }) => damage !== undefined);
  deepStrictEqual(damaged.map(({ id }) => id).sort(), ["base", "one", "sibling", "two"]);

  const vmsUsing = () => Promise.resolve([]);
  const dry = await pruneLayers(await place.config(), {}, { dryRun: true, vmsUsing });
  strictEqual(dry.removed.length, 4);
  strictEqual((await listLayers(place.paths)).length, 5);
  const done = await pruneLayers(await place.config(), {}, { vmsUsing });
  deepStrictEqual([done.removed.length, done.strays.length, done.freedBytes, done.keptBytes], [
    4,
    2,
    400,
    100,
  ]);
  deepStrictEqual((await listLayers(place.paths)).map(({ id }) => id), ["install"]);
});

Deno.test("a build that runs, the kept disk of one that failed and an image keep the layers under them", async () => {
  await using place = await places(webConfig());
  for (const layer of await tree(place)) await writeLayer(layer);
  const config = await place.config();
  const disk = (id: string) => layerFiles(place.paths, id).disk;
  const options = { qemuImg: "qemu-img" };
  const qcow2 = async (id: string) => {
    await Deno.remove(disk(id));
    await createDisk(disk(id), 1024 ** 2, options);
  };
  const vmsUsing = () => Promise.resolve([]);
  {
    await using running = await planned(place);
    await Deno.writeTextFile(running.workspace.files.layer, "two");
    const { removed } = await pruneLayers(config, { maxBytes: 0 }, { dryRun: true, vmsUsing });
    deepStrictEqual(ids(removed), ["sibling"]);
    await qcow2("sibling");
    await createOverlay(running.workspace.nextDisk(), disk("sibling"), options);
    deepStrictEqual(
      ids((await pruneLayers(config, { maxBytes: 0 }, { dryRun: true, vmsUsing })).removed),
      [],
    );
  }
  {
    await using failed = await planned(place);
    await Deno.writeTextFile(failed.workspace.files.layer, "two");
    failed.workspace.keep("logs");
  }
  await Deno.mkdir(config.settings.build.image_dir, { recursive: true });
  await createOverlay(`${config.settings.build.image_dir}/odd.qcow2`, disk("sibling"), options);
  const left = await pruneLayers(config, { maxBytes: 0 }, { dryRun: true, vmsUsing });
  deepStrictEqual(ids(left.removed), ["two", "one"]);
  const vm = (path: string) => Promise.resolve(path === disk("one") ? ["odd-vm"] : []);
  deepStrictEqual(ids((await pruneLayers(config, { maxBytes: 0 }, { dryRun: true, vmsUsing: vm })).removed), [
    "two",
  ]);
});

Deno.test("layers that are removed and builds that end while they are looked at are no error", async () => {
  await using place = await places(webConfig());
  const plan = await planWeb(place);
  const config = await place.config();
  const layers = ["install", "script base", "script one", "script two"].map((step) =>
    keptLayer(place, plan, step, { id: step.replaceAll(" ", "-") })
  );
  const build = (n: number) => join(buildsDir(place.paths), `web-amd64-2026010${n}T000000Z`);
  const ends = new AbortController();
  const comeAndGo = async () => {
    while (!ends.signal.aborted) {
      for (const layer of layers) await writeLayer(layer);
      for (let n = 1; n < 9; n++) await Deno.mkdir(build(n), { recursive: true });
      for (const { files } of layers) await Deno.remove(files.dir, { recursive: true });
      for (let n = 1; n < 9; n++) await Deno.remove(build(n));
    }
  };
  const going = comeAndGo();
  try {
    for (let times = 0; times < 300; times++) {
      await listLayers(place.paths);
      await layersInUse(config, layers, () => Promise.resolve([]));
    }
  } finally {
    ends.abort();
    await going;
  }
});
