import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { userPaths } from "../../../lib/paths.ts";
import { leftBehind, wrongLayers } from "../../soak/what_is_left.ts";
import { eventsOf, type OverLayers, overLayers, stepsOf } from "./over_layers.ts";

const slow =
  "#!/bin/sh\nset -eu\necho 'half done'\nif [ -e /etc/slow ]; then exit 9; fi\n: > /etc/slow\nsleep 5\n";

/** Runs a build until a line of its events matches, and kills pim there; returns the steps that it had finished. */
async function killAt(place: OverLayers, line: RegExp): Promise<string[]> {
  let killed = false;
  const run = place.start(["build", "run", "demo", "--json"], {
    onLine(text) {
      if (killed || !line.test(text)) return;
      killed = true;
      run.kill("SIGKILL");
    },
  });
  const result = await run.result;
  ok(killed && result.code !== 0, result.stderr + result.stdout);
  return stepsOf(eventsOf(result));
}

Deno.test("a pim that is killed leaves nothing that the next build could stumble over", async (t) => {
  await using place = await overLayers({ "scripts.d/slow.sh": slow });
  const profile = await Deno.readTextFile(join(place.project, "profiles.d/demo.ts"));
  // Other answers than those of the demo's own build: the installer has to run.
  await place.write({
    "profiles.d/demo.ts": profile.replace('packages: ["curl", "jq"]', 'packages: ["jq"]')
      .replace('scripts: ["motd"]', 'scripts: ["slow"]'),
  });
  const places = {
    // All that the demo's own build made lies elsewhere, but for the layers.
    home: place.env.PIM_CACHE_DIR ?? "",
    paths: userPaths(new Map(Object.entries(place.env))),
    runtimeDir: place.runtimeDir,
    imageDir: place.imageDir,
  };
  const plan = await place.pim(["build", "plan", "demo"]);
  match(plan.stdout, /^install +runs .* preseed\.cfg changed/m);

  await t.step("killed while the installer runs: the next build begins with the installer", async () => {
    await killAt(place, /"step":"install".*preseed\.cfg was fetched/);
    ok((await leftBehind(places)).some((what) => what.startsWith("process")), "QEMU runs on without pim");
  });

  await t.step(
    "killed in a script: the next build runs that script from the layer before it, once",
    async () => {
      const steps = await killAt(place, /"step":"script slow".*half done/);
      const last = ["install", "start installed system", "script base", "script demo"];
      deepStrictEqual(steps.slice(-last.length), last);
    },
  );

  await t.step("killed in finalize: the next build has nothing but that left to do", async () => {
    const steps = await killAt(place, /"type":"step-started","step":"finalize"/);
    ok(steps.includes("take layer") && steps.includes("script slow"), steps.join(", "));
  });

  await t.step("after that everything is as if nobody had been killed", async () => {
    const result = await place.pim(["build", "run", "demo", "--json"]);
    strictEqual(result.code, 0, result.stderr);
    deepStrictEqual(stepsOf(eventsOf(result)).filter((step) => step.startsWith("script")), []);
    deepStrictEqual(await leftBehind(places), []);
    deepStrictEqual(await wrongLayers(places), []);
  });
});
