import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { type Explained, explainLayers } from "../../../lib/build/layers/explain.ts";
import type { BuildRequest } from "../../../lib/build/plan.ts";
import { type Places, places } from "../places.ts";
import { changed, keptLayer, planWeb, webConfig } from "./keyed_plan.ts";

const steps = ["install", "start installed system", "script base", "script one", "script two"];

/** What is said of a build after the config was changed, by step. */
async function explained(
  place: Places,
  files: Readonly<Record<string, string>>,
  request: Partial<BuildRequest> = {},
): Promise<Map<string, Explained>> {
  const before = await planWeb(place);
  const layers = steps.map((step) => keptLayer(place, before, step));
  await using other = await changed(place, files);
  const rows = explainLayers(await planWeb(other, request), layers);
  ok(rows);
  return new Map(rows.map((row) => [row.step, row]));
}

const actions = (rows: ReadonlyMap<string, Explained>) =>
  Object.fromEntries([...rows].map(([step, { action }]) => [step, action]));

Deno.test("when nothing has changed every layer is reused, and only finalize runs", async () => {
  await using place = await places(webConfig());
  const rows = await explained(place, {});
  deepStrictEqual([...new Set([...rows.values()].slice(0, -1).map(({ action }) => action))], ["reuse"]);
  match(rows.get("script two")?.why ?? "", /goes on from what web-amd64-\S+ kept/);
  strictEqual(rows.get("finalize")?.action, "run");
  strictEqual(rows.get("install")?.lastMs, 1000);
});

Deno.test("a changed script is named, and what follows it follows it", async () => {
  await using place = await places(webConfig());
  const rows = await explained(place, { "scripts.d/one.sh": "#!/bin/sh\necho other\n" });
  deepStrictEqual(actions(rows), {
    "install": "reuse",
    "start installed system": "reuse",
    "script base": "reuse",
    "script one": "run",
    "script two": "run",
    "finalize": "run",
  });
  strictEqual(rows.get("script one")?.why, "scripts.d/one.sh changed");
  strictEqual(rows.get("script two")?.why, "follows script one");
});

Deno.test("changed answers, a new variable and a new script are named", async () => {
  await using place = await places(webConfig());
  const rows = await explained(place, {
    ...webConfig("vars: { greeting: 'hello' }, build: { diskSize: '7G' },"),
    "preseeds.d/web.cfg": "d-i time/zone string UTC\n",
  });
  strictEqual(rows.get("install")?.why, "preseed.cfg changed, disk size changed");
  strictEqual(rows.get("start installed system")?.why, "follows install");
  strictEqual(rows.get("script base")?.why, "$PIM_VAR_GREETING is new");
});

Deno.test("a script that was added is new", async () => {
  await using place = await places(webConfig());
  const profile = webConfig()["profiles.d/web.ts"]?.replace('"two"]', '"two", "three"]') ?? "";
  const rows = await explained(place, { "profiles.d/web.ts": profile, "scripts.d/three.sh": "#!/bin/sh\n" });
  deepStrictEqual([rows.get("script two")?.action, rows.get("script three")?.why], ["reuse", "new"]);
});

Deno.test("what the user asked for is given as the reason", async () => {
  await using place = await places(webConfig());
  strictEqual((await explained(place, {}, { cache: false })).get("install")?.why, "--no-cache");
  const rows = await explained(place, {}, { from: "script one" });
  deepStrictEqual([rows.get("script base")?.action, rows.get("script one")?.why], [
    "reuse",
    "--from script one",
  ]);
});

Deno.test("without any layer there is nothing to compare with", async () => {
  await using place = await places(webConfig());
  const rows = explainLayers(await planWeb(place), []);
  strictEqual(rows?.[0]?.why, "there is no layer of it");
});
