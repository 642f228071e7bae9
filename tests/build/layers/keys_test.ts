import { deepStrictEqual, notStrictEqual, ok, strictEqual } from "node:assert/strict";
import { places } from "../places.ts";
import { changed, keysOf, planWeb, webConfig } from "./keyed_plan.ts";

const all = ["install", "start installed system", "script base", "script one", "script two", "image"];

/** The steps whose keys a change of the config changes. */
async function changedBy(files: Readonly<Record<string, string>>): Promise<string[]> {
  await using place = await places(webConfig());
  const before = keysOf(await planWeb(place));
  await using other = await changed(place, files);
  const after = keysOf(await planWeb(other));
  deepStrictEqual(Object.keys(after), all);
  return all.filter((step) => before[step] !== after[step]);
}

Deno.test("a build that nothing has changed in has the same keys, and other users have others", async () => {
  await using place = await places(webConfig());
  const keys = keysOf(await planWeb(place));
  deepStrictEqual(Object.keys(keys), all);
  strictEqual(new Set(Object.values(keys)).size, all.length);
  deepStrictEqual(keysOf(await planWeb(place)), keys);
  await using other = await places(webConfig());
  const others = keysOf(await planWeb(other));
  ok(all.every((step) => others[step] !== keys[step]));
});

Deno.test("a script changes its own layer and those after it", async () => {
  deepStrictEqual(await changedBy({ "scripts.d/two.sh": "#!/bin/sh\necho 2\n" }), ["script two", "image"]);
  deepStrictEqual(await changedBy({ "scripts.d/one.sh": "#!/bin/sh\necho 1\n" }), all.slice(3));
});

Deno.test("a variable for scripts changes all of them, and not the installation that does not use it", async () => {
  deepStrictEqual(await changedBy(webConfig("vars: { greeting: 'hello' },")), all.slice(2));
});

Deno.test("what the installer is told changes everything", async () => {
  deepStrictEqual(await changedBy(webConfig("packages: ['git'],")), all);
  deepStrictEqual(await changedBy(webConfig("build: { kernelArgs: ['net.ifnames=0'] },")), all);
  deepStrictEqual(await changedBy(webConfig("build: { diskSize: '11G' },")), all);
  deepStrictEqual(await changedBy(webConfig("build: { firmware: 'uefi' },")), all);
  deepStrictEqual(await changedBy({ "preseeds.d/web.cfg": "d-i time/zone string UTC\n" }), all);
  deepStrictEqual(await changedBy({ "installs.d/web.sh": "#!/bin/sh\nexit 0\n" }), all);
});

Deno.test("another password makes another installation", async () => {
  const config = webConfig();
  const profile = config["profiles.d/web.ts"]?.replace("kept secret", "kept secret too") ?? "";
  deepStrictEqual(await changedBy({ "profiles.d/web.ts": profile }), all);
});

Deno.test("what only limits a build, or only speeds it up, changes nothing", async () => {
  deepStrictEqual(
    await changedBy(webConfig("build: { warm: false, cpus: 1, installTimeoutMinutes: 5 },")),
    [],
  );
});

Deno.test("how the image is compressed changes the image, and no layer", async () => {
  deepStrictEqual(await changedBy({ "pim.yml": "build: { compression: none }\n" }), ["image"]);
});

Deno.test("no password, and nothing that it could be found with, is in a plan's keys", async () => {
  await using place = await places(webConfig());
  const { keys } = await planWeb(place);
  const text = JSON.stringify(keys);
  ok(!text.includes("kept secret"));
  for (const layer of keys?.layers ?? []) {
    for (const digest of Object.values(layer.inputs)) strictEqual(digest.length, 64);
  }
  const secret = await Deno.readTextFile(`${place.env.PIM_DATA_DIR}/digest-secret`);
  notStrictEqual(secret, "");
  ok(!text.includes(secret));
  strictEqual((await Deno.stat(`${place.env.PIM_DATA_DIR}/digest-secret`)).mode! & 0o777, 0o600);
});
