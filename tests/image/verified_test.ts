import { deepStrictEqual, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openRegistry, updateRegistry } from "../../lib/image/registry.ts";
import { sampleImage, tempFolder } from "./sample.ts";

Deno.test("how an image did when it was checked is written beside what was known of it", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const image = sampleImage("web", new Date("2026-01-02T03:04:05Z"));
  const verified = { ok: false, time: "2026-01-03T00:00:00.000Z" };
  await updateRegistry(path, (registry) => {
    registry.add(image);
    registry.change(image.name, { verified });
  });
  deepStrictEqual((await openRegistry(path)).get("web"), { ...image, verified });
  const again = { ok: true, time: "2026-01-04T00:00:00.000Z" };
  await updateRegistry(path, (registry) => registry.change(image.name, { verified: again }));
  deepStrictEqual((await openRegistry(path)).get(image.name).verified, again);
});

Deno.test("what is not registered cannot be changed", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "registry.yml");
  const change = updateRegistry(path, (registry) => registry.change("web", { verified: undefined }));
  await rejects(change, /The image web is not registered/);
  strictEqual((await openRegistry(path)).list().length, 0);
});
