import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser } from "../pim.ts";

const checksum = `sha256:${"0".repeat(64)}`;

Deno.test("pim ventoy config prints which Ventoy is meant, where it is kept, and whether it is there", async () => {
  await using user = await newUser({
    "config/pim/pim.yml":
      `ventoy: { version: "1.1.0", url: "https://example.org/ventoy.tar.gz", checksum: "${checksum}" }\n`,
  });
  const { code, stdout, stderr } = await user.pim("ventoy", "config", "--json");
  assert.deepEqual([code, stderr], [0, ""]);
  const { folder, ...values } = JSON.parse(stdout);
  assert.ok(folder.startsWith(join(user.path, "cache")), folder);
  assert.deepEqual(values, {
    version: "1.1.0",
    url: "https://example.org/ventoy.tar.gz",
    checksum,
    unpacked: false,
  });
  assert.match((await user.pim("ventoy", "config")).stdout, /^unpacked +no: pim ventoy download$/m);
});
