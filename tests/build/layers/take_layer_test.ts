import { rejects } from "node:assert/strict";
import { lockLayers } from "../../../lib/build/layers/store.ts";
import { takeLayer } from "../../../lib/build/steps/take_layer.ts";
import { CancelledError } from "../../../lib/errors.ts";
import { places } from "../places.ts";
import { hostReady, told } from "../states.ts";
import { keptLayer, webConfig, writeLayer } from "./keyed_plan.ts";

Deno.test("a build that waits for others who choose or remove layers can be cancelled", async () => {
  await using place = await places(webConfig());
  await using ready = await hostReady(place);
  const layer = keptLayer(place, ready.plan, "install");
  await writeLayer(layer);
  await using _lock = await lockLayers(place.paths);
  const controller = new AbortController();
  await using context = told(controller.signal);
  const taking = takeLayer(layer).run(ready, context);
  controller.abort(new CancelledError());
  await rejects(taking, CancelledError);
});
