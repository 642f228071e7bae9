import { deepStrictEqual, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { BuildEvent } from "../../lib/build/events/events.ts";
import { readManifest } from "../../lib/image/manifest.ts";
import { spdxProblems } from "../image/spdx_rules.ts";
import { demoImage } from "./demo_image.ts";
import { pim } from "./pim.ts";

async function shown() {
  const demo = await demoImage();
  const { stdout } = await pim(["--project", demo.project, "build", "show", "demo", "--json"], {
    env: demo.env,
  });
  const image = JSON.parse(stdout);
  return { demo, image, manifest: await readManifest(join(demo.imageDir, image.manifest)) };
}

Deno.test("a built image's manifest tells what it was made of and what is in it", async () => {
  const { demo, image, manifest } = await shown();
  strictEqual(manifest.image.sha256, image.sha256);
  deepStrictEqual(manifest.scripts.map(({ name }) => name), image.scripts);
  deepStrictEqual([manifest.system.id, manifest.system.packageFormat], ["debian", "deb"]);
  strictEqual(manifest.iso.checksum, image.iso.checksum);
  const names = manifest.packages.map(({ name }) => name);
  ok(names.length > 100 && names.includes("openssh-server") && names.includes("qemu-guest-agent"));
  const finished = demo.events.filter((event): event is typeof event & { type: "step-finished" } =>
    event.type === "step-finished" satisfies BuildEvent["type"]
  );
  const steps = finished.map(({ step, elapsedMs }) => ({ step, elapsedMs }));
  deepStrictEqual(manifest.steps, steps.filter(({ step }) => step !== "register"));
  ok(!JSON.stringify(manifest).includes("demo-Passw0rd"));
});

Deno.test("a built image's bill of materials lists every package, by the rules of SPDX 2.3", async () => {
  const { demo, image, manifest } = await shown();
  const document = JSON.parse(await Deno.readTextFile(join(demo.imageDir, image.sbom)));
  deepStrictEqual(spdxProblems(document), []);
  const [described, , ...packages] = document.packages;
  strictEqual(described.checksums[0].checksumValue, image.sha256);
  deepStrictEqual(
    packages.map((each: { name: string }) => each.name),
    manifest.packages.map(({ name }) => name),
  );
});

Deno.test("a built image does not differ from itself", async () => {
  const { demo, image } = await shown();
  const result = await pim(["--project", demo.project, "build", "diff", image.name, "demo", "--json"], {
    env: demo.env,
  });
  strictEqual(result.code, 0, result.stderr);
  const { inputs, system, packages } = JSON.parse(result.stdout);
  deepStrictEqual({ inputs, system, packages }, {
    inputs: [],
    system: [],
    packages: { added: [], removed: [], upgraded: [], downgraded: [] },
  });
});
