import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { basename, join } from "node:path";
import { overLayers } from "./over_layers.ts";
import type { PimResult } from "../pim.ts";

const profile = (script: string) =>
  `import demo from "./demo.ts";\nexport default { ...demo, scripts: ["${script}"] };\n`;

Deno.test("builds side by side, the log of one that runs, and the disk of one that failed", async (t) => {
  await using place = await overLayers({
    "profiles.d/fine.ts": profile("works"),
    "profiles.d/broken.ts": profile("breaks"),
    "scripts.d/works.sh": "#!/bin/sh\necho it works\n",
    "scripts.d/breaks.sh": "#!/bin/sh\necho half > /etc/half-done\necho no further >&2\nexit 3\n",
  });
  let following: Promise<PimResult> | undefined;
  const result = await place.start(["build", "run", "broken", "fine", "--jobs", "2", "--on-error", "keep"], {
    onLine(line) {
      if (line.startsWith("broken: [1/")) following ??= place.pim(["build", "log", "-f", "broken"]);
    },
  }).result;

  await t.step("one that fails is told of at once, and the other goes on", () => {
    strictEqual(result.code, 7, result.stderr);
    match(result.stderr, /^broken: error: The build failed in step script breaks: /m);
    match(result.stderr, /^fine: script works \| it works$/m);
    match(result.stderr, /^error: 1 of 2 builds failed: broken$/m);
    const failedAt = result.stderr.indexOf("broken: error:");
    ok(failedAt < result.stderr.indexOf("fine: built "), "before the other has ended");
    const images = result.stdout.trim().split("\n");
    strictEqual(images.length, 1);
    match(basename(images[0] ?? ""), /^fine-amd64-.*\.qcow2$/);
  });

  await t.step("the log of the build that ran elsewhere is followed to its end", async () => {
    ok(following);
    const { code, stdout, stderr } = await following;
    strictEqual(code, 0, stderr);
    match(stdout, /^\S+ build broken-amd64-\S+ of profile broken /);
    match(stdout, /^\S+ failed in step script breaks: /m);
    ok(!stdout.includes("it works"), "only that of the build that was named");
    match(stderr, /broken-amd64-\S+ has ended/);
  });

  await t.step("what is left of both is shown by their names", async () => {
    const events = await place.pim(["build", "log", "--json", "fine"]);
    const names = new Set(events.stdout.trim().split("\n").map((line) => JSON.parse(line).build));
    deepStrictEqual([...names], [basename(result.stdout.trim(), ".qcow2")]);
    const status = await place.pim(["build", "status"]);
    match(status.stdout, /^broken-amd64-\S+ +failed, disk kept +failed in step script breaks: /m);
  });

  await t.step("the kept disk runs as a VM, as it was when the build failed", async () => {
    const debug = await place.pim(["build", "debug", "broken", "--json"]);
    strictEqual(debug.code, 0, debug.stderr);
    match(debug.stderr, /broken-amd64-\S+ failed in step script breaks: /);
    try {
      const { name, username, memoryMiB } = JSON.parse(debug.stdout);
      deepStrictEqual([name, username, memoryMiB], ["debug-broken", "demo", 1024]);
      const done = await place.pim(["exec", "--timeout", "180", name, "--", "cat", "/etc/half-done"]);
      strictEqual(done.stdout, "half\n", done.stderr);
      const again = await place.pim(["build", "debug"]);
      strictEqual(again.code, 2);
      match(again.stderr, /debug-broken is running already\nhint: Log in with: pim ssh debug-broken/);
      const clean = await place.pim(["build", "clean", "broken"]);
      match(clean.stderr, /note: kept .*, which VMs use: debug-broken/);
    } finally {
      await place.pim(["stop", "debug-broken", "--force"]);
    }
    match((await place.pim(["build", "clean", "broken"])).stdout, /^removed .*broken-amd64-/);
    const left = [...Deno.readDirSync(join(place.env.PIM_DATA_DIR ?? "", "vms"))];
    deepStrictEqual(left, [], "the VM has kept nothing");
  });
});
