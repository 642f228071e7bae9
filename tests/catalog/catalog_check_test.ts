import assert from "node:assert/strict";
import type { KnownIso } from "../../lib/iso/catalog/known/known.ts";
import { serveFolder } from "../iso/catalog/folder_server.ts";
import { checkIso, hostsThatAnswer, report } from "./catalog_check.ts";

const iso = (url: string): KnownIso => ({
  key: "x-amd64",
  family: "x",
  architecture: "amd64",
  fields: {
    url: `${url}/1.0/x-1.0.iso`,
    mirrors: [`${url}/mirror/x-1.0.iso`],
    checksum_url: `${url}/1.0/SHA256SUMS`,
    release: { url: `${url}/`, pattern: "(\\d+\\.\\d+)" },
    architecture: "amd64",
  },
  sources: [],
});

Deno.test("facts that are right are no news, a newer release is, and what is wrong is named", async () => {
  await using server = await serveFolder({
    "/1.0/x-1.0.iso": "iso",
    "/1.0/SHA256SUMS": `${"a".repeat(64)}  x-1.0.iso\n`,
    "/mirror/x-1.0.iso": "iso",
  });
  const check = async () => report(await checkIso(iso(server.url), { retries: 0 }));
  assert.deepEqual(await check(), { lines: ["1 ISOs, 4 facts, 0 wrong"], ok: true });
  server.files.set("/1.1/x-1.1.iso", "iso");
  assert.deepEqual((await check()).lines, [
    "news  x-amd64: there is 1.1, and it has 1.0",
    "1 ISOs, 4 facts, 0 wrong",
  ]);
  server.files.delete("/mirror/x-1.0.iso");
  server.files.set("/1.0/SHA256SUMS", `${"a".repeat(64)}  other.iso\n`);
  const { lines, ok } = await check();
  assert.equal(ok, false);
  assert.match(lines.join("\n"), /WRONG x-amd64: mirror: .*404/);
  assert.match(
    lines.join("\n"),
    /WRONG x-amd64: checksum: .*has no SHA-256 or SHA-512 checksum of x-1\.0\.iso/,
  );
  assert.match(lines.join("\n"), /4 facts, 2 wrong$/);
});

Deno.test("a host that answers with an error can be reached, and one that is not there cannot", async () => {
  await using server = await serveFolder({});
  const urls = [`${server.url}/a`, `${server.url}/b`, "http://127.0.0.1:1/x"];
  assert.deepEqual(await hostsThatAnswer(urls, { stallTimeoutMs: 5_000 }), [server.url]);
});
