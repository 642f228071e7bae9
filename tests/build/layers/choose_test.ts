import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { chooseLayer, isLayerPoint, isWarmPoint, scriptsAfter } from "../../../lib/build/layers/choose.ts";
import type { BuildRequest } from "../../../lib/build/plan.ts";
import { type Places, places } from "../places.ts";
import { changed, keptLayer, planWeb, webConfig } from "./keyed_plan.ts";

const steps = ["install", "start installed system", "script base", "script one", "script two"];

async function chosen(place: Places, request: Partial<BuildRequest>): Promise<string | undefined> {
  const plan = await planWeb(place, request);
  return chooseLayer(plan, steps.map((step) => keptLayer(place, plan, step)))?.layer.step;
}

Deno.test("a build goes on from the deepest layer whose key is its own", async () => {
  await using place = await places(webConfig());
  const old = await planWeb(place);
  const layers = steps.map((step) => keptLayer(place, old, step));
  strictEqual(chooseLayer(old, layers)?.layer.step, "script two");
  await place.write({ "scripts.d/one.sh": "#!/bin/sh\necho other\n" });
  const plan = await planWeb(place);
  const reuse = chooseLayer(plan, layers);
  strictEqual(reuse?.layer.step, "script base");
  deepStrictEqual(scriptsAfter(plan.scripts, reuse).map(({ name }) => name), ["one", "two"]);
  deepStrictEqual(scriptsAfter(plan.scripts, undefined).length, 3);
  strictEqual(chooseLayer(plan, layers.slice(2, 2)), undefined);
});

Deno.test("of two layers with one key the newer is taken, and a damaged one never", async () => {
  await using place = await places(webConfig());
  const plan = await planWeb(place);
  const old = keptLayer(place, plan, "script base", { id: "old" });
  const recent = keptLayer(place, plan, "script base", { id: "recent" });
  strictEqual(chooseLayer(plan, [old, recent])?.layer.id, "recent");
  strictEqual(chooseLayer(plan, [old, { ...recent, damage: "torn" }])?.layer.id, "old");
});

Deno.test("--no-cache takes no layer, and --from only those before its step", async () => {
  await using place = await places(webConfig());
  strictEqual(await chosen(place, { cache: false }), undefined);
  strictEqual(await chosen(place, { from: "install" }), undefined);
  strictEqual(await chosen(place, { from: "base" }), "start installed system");
  strictEqual(await chosen(place, { from: "script two" }), "script one");
  strictEqual(await chosen(place, { from: "finalize" }), "script two");
  await rejects(planWeb(place, { from: "tow" }), /No step "tow"/);
});

Deno.test("without a password and a guest agent there is no way into a layer's system", async () => {
  await using place = await places(webConfig("password: undefined,"));
  const plan = await planWeb(place);
  const layer = keptLayer(place, plan, "script base");
  strictEqual(chooseLayer(plan, [{ ...layer, agent: false }]), undefined);
  strictEqual(chooseLayer(plan, [{ ...layer, agent: true }])?.index, 2);
  strictEqual(chooseLayer(plan, [layer])?.layer, layer);
});

Deno.test("the machine's memory is kept before the first script and before the last", async () => {
  await using place = await places(webConfig());
  const plan = await planWeb(place);
  deepStrictEqual(steps.filter((step) => isWarmPoint(plan, step)), ["start installed system", "script one"]);
  await using other = await changed(place, webConfig("build: { warm: false },"));
  const cold = await planWeb(other);
  deepStrictEqual(steps.filter((step) => isWarmPoint(cold, step)), []);
  deepStrictEqual(
    steps.filter((step) => isLayerPoint(cold, step, "install")),
    steps.filter((step) => step !== steps[1]),
  );
});

Deno.test("a system that was started from a layer of its own kind is not kept once more", async () => {
  await using place = await places(webConfig());
  const plan = await planWeb(place);
  strictEqual(isLayerPoint(plan, "start installed system", "install"), true);
  strictEqual(isLayerPoint(plan, "start installed system", "start installed system"), false);
  strictEqual(isLayerPoint(plan, "start installed system", "script base"), false);
  strictEqual(isLayerPoint(plan, "finalize", "script two"), false);
});
