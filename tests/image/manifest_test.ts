import { deepEqual, rejects } from "node:assert/strict";
import { join } from "node:path";
import { UsageError } from "../../lib/errors.ts";
import { type Manifest, readManifest, writeManifest } from "../../lib/image/manifest.ts";
import { sampleManifest } from "./sample_manifest.ts";
import { tempFolder } from "./sample.ts";

Deno.test("every field of a manifest survives the file", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "web.manifest.json");
  const checked: Manifest = sampleManifest({
    verification: { ok: false, checks: [{ name: "boots", result: "failed", detail: "it did not" }] },
  });
  const { digestId: _, ...undigested } = checked;
  const bare: Manifest = {
    ...undigested,
    installer: { family: "ubuntu" },
    system: { id: "linux", prettyName: "Linux", kernel: "6.12" },
    layers: [],
    packages: [],
  };
  for (const manifest of [checked, bare]) {
    await writeManifest(path, manifest);
    deepEqual(await readManifest(path), manifest);
  }
  deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["web.manifest.json"]);
});

Deno.test("what a later pim adds to a manifest does not keep it from being read", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "m.json");
  await Deno.writeTextFile(path, JSON.stringify({ ...sampleManifest(), more: 1 }));
  deepEqual(await readManifest(path), sampleManifest());
});

Deno.test("a manifest that is none is refused with the file's name and every wrong field", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "m.json");
  const refused = async (content: string, message: RegExp) => {
    await Deno.writeTextFile(path, content);
    await rejects(readManifest(path), (error) => error instanceof UsageError && message.test(error.message));
  };
  await rejects(readManifest(join(folder.path, "none.json")), /There is no manifest .*none\.json/);
  await refused("{", /m\.json is no manifest: /);
  await refused("[]", /m\.json: /);
  await refused(JSON.stringify({ ...sampleManifest(), version: 2 }), /m\.json: version must be 1, the only/);
  const { image, ...rest } = sampleManifest();
  await refused(
    JSON.stringify({ ...rest, image: { ...image, sha256: "xyz", bytes: -1 } }),
    /m\.json: image\.bytes must be 0 or more.*\n.*image\.sha256 must be 64 hexadecimal digits/,
  );
});
