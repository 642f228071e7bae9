import { equal, ok, rejects } from "node:assert/strict";
import { publish } from "../../../lib/build/layers/publish.ts";
import { layerFiles, listLayers, newLayerId } from "../../../lib/build/layers/store.ts";
import type { Installed } from "../../../lib/build/states.ts";
import { exists } from "../../../lib/files.ts";
import { filesOfLayer, layersDir } from "../../../lib/paths.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { type Places, places } from "../places.ts";
import { hostReady } from "../states.ts";
import { webConfig } from "./keyed_plan.ts";

/** A build with something on its disk, and the layer that it is about to keep. */
async function aboutToKeep(place: Places) {
  const ready = await hostReady(place);
  const { plan, workspace } = ready;
  const [point] = plan.keys?.layers ?? [];
  ok(point && plan.keys);
  const disk = workspace.files.disk;
  await Deno.writeTextFile(disk, "disk");
  await Deno.mkdir(layersDir(place.paths), { recursive: true });
  const id = newLayerId(point.key);
  const staged = filesOfLayer(workspace.stagedLayer(id));
  await Deno.mkdir(staged.dir);
  const state: Installed = {
    ...ready,
    disk,
    origin: plan.keys.origin,
    buildKey: await generateKeyPair("test"),
  };
  return {
    state,
    layer: { id, point, elapsedMs: 1, staged },
    [Symbol.asyncDispose]: () => workspace[Symbol.asyncDispose](),
  };
}

Deno.test("a layer that is kept has the build's disk, and is sound", async () => {
  await using place = await places(webConfig());
  await using it = await aboutToKeep(place);
  await publish(it.state, it.layer, {});
  equal(await exists(it.state.disk), false);
  const [layer, ...others] = await listLayers(place.paths);
  equal(others.length, 0);
  equal(layer?.id, it.layer.id);
  equal(layer?.damage, undefined);
  equal(await Deno.readTextFile(layerFiles(place.paths, it.layer.id).disk), "disk");
});

Deno.test("a layer that cannot be kept leaves the build its disk", async () => {
  await using place = await places(webConfig());
  await using it = await aboutToKeep(place);
  // What stands there cannot be replaced by a file, as nothing can be written to a full disk.
  await Deno.mkdir(it.layer.staged.record);
  await rejects(publish(it.state, it.layer, {}), /Cannot keep the layer after install: /);
  equal(await Deno.readTextFile(it.state.disk), "disk");
});
