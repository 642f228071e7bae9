import assert from "node:assert/strict";
import { join } from "node:path";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import { isoStatus } from "../../../lib/iso/status.ts";
import { cutAfter } from "./file_server.ts";
import { bench, content, fast, interrupted, other } from "./download_bench.ts";

Deno.test("a connection that breaks off is tried again from where it ended", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    server.misbehave = (_request, response, count) => count === 1 && cutAfter(20_000, server, response);
    assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
    assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=20000-"]);
    assert.match(log.join("\n"), /broke off.*trying again/);
  });
});

Deno.test("a download that was ended goes on later from its .part, which is hashed too", async () => {
  await bench(async (all) => {
    const { server, dir, entry, names } = all;
    await interrupted(all, 30_000);
    assert.deepEqual(names(), ["a.iso.part", "a.iso.part.json"]);
    assert.deepEqual(await isoStatus(entry(), dir), { state: "partial", bytes: 30_000 });
    assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
    assert.deepEqual(server.requests, ["GET /a.iso bytes=30000-"]);
    assert.deepEqual(names(), ["a.iso", "a.iso.json"]);
  });
});

Deno.test("a download by time of change resumes too, and a weak entity tag is not relied on", async () => {
  await bench(async (all) => {
    const { server, dir, entry } = all;
    server.etag = 'W/"weak"';
    await interrupted(all, 30_000);
    await downloadIso(entry(), dir, fast);
    assert.deepEqual(server.requests, ["GET /a.iso"]);
    await Deno.remove(join(dir, "a.iso"));
    server.etag = undefined;
    server.lastModified = "Wed, 01 Jan 2025 00:00:00 GMT";
    server.requests.length = 0;
    server.misbehave = (_request, response, count) => {
      if (count !== 1) return false;
      response.setHeader("last-modified", server.lastModified ?? "");
      return cutAfter(30_000, server, response);
    };
    await downloadIso(entry(), dir, fast);
    assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=30000-"]);
  });
});

Deno.test("a server that ignores ranges is read from the beginning", async () => {
  await bench(async (all) => {
    await interrupted(all, 30_000);
    all.server.ignoreRange = true;
    assert.equal((await downloadIso(all.entry(), all.dir, fast)).verified, true);
    assert.deepEqual(all.server.requests, ["GET /a.iso bytes=30000-"]);
  });
});

Deno.test("a file that changed on the server is read from the beginning", async () => {
  await bench(async (all) => {
    all.server.content = other;
    await interrupted(all, 30_000);
    all.server.content = content;
    all.server.etag = '"two"';
    assert.equal((await downloadIso(all.entry(), all.dir, fast)).verified, true);
  });
});

Deno.test("a file that changes between two tries is never stitched together", async () => {
  for (const by of ["etag", "lastModified"] as const) {
    await bench(async ({ server, dir, entry }) => {
      server.etag = undefined;
      server[by] = '"old"';
      server.content = other;
      server.misbehave = (_request, response, count) => {
        if (count !== 1) return false;
        if (by === "lastModified") response.setHeader("last-modified", '"old"');
        cutAfter(20_000, server, response);
        server[by] = '"new"';
        server.content = content;
        return true;
      };
      assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
      assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=20000-"]);
    });
  }
});

Deno.test("a piece that does not continue the .part is not used", async () => {
  const total = content.length;
  for (
    const headers of [
      { "content-range": `bytes 0-${total - 1}/${total}`, etag: '"one"' },
      { "content-range": `bytes 20000-${total - 1}/${total + 1}`, etag: '"one"' },
      { "content-range": `bytes 20000-${total - 1}/${total}`, etag: '"two"' },
      { etag: '"one"' },
    ]
  ) {
    await bench(async ({ server, dir, entry }) => {
      server.misbehave = (_request, response, count) => {
        if (count === 1) return cutAfter(20_000, server, response);
        if (count > 2) return false;
        response.writeHead(206, headers).end(other.subarray(0, 30_000));
        return true;
      };
      assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
      assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=20000-", "GET /a.iso"]);
    });
  }
});

Deno.test("a .part with a byte turned is noticed, and the download begins anew by itself", async () => {
  await bench(async (all) => {
    await interrupted(all, 30_000);
    const part = await Deno.readFile(join(all.dir, "a.iso.part"));
    part[100] = (part[100] ?? 0) ^ 1;
    await Deno.writeFile(join(all.dir, "a.iso.part"), part);
    assert.equal((await downloadIso(all.entry(), all.dir, fast)).verified, true);
    assert.deepEqual(all.server.requests, ["GET /a.iso bytes=30000-", "GET /a.iso"]);
    assert.match(all.log.join("\n"), /put together .* wrong checksum; downloading it from the beginning/);
  });
});

Deno.test("a .part longer than the file, of another URL, or without its notes is begun anew", async () => {
  await bench(async (all) => {
    const { dir, entry, server } = all;
    for (
      const spoil of [
        () => Deno.writeFile(join(dir, "a.iso.part"), new Uint8Array(60_000)),
        () => Deno.remove(join(dir, "a.iso.part.json")),
        () => Deno.writeTextFile(join(dir, "a.iso.part.json"), "{"),
        () =>
          Deno.writeTextFile(
            join(dir, "a.iso.part.json"),
            JSON.stringify({ url: "http://x/", validator: '"one"' }),
          ),
      ]
    ) {
      await interrupted(all, 30_000);
      await spoil();
      assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
      assert.deepEqual(server.requests, ["GET /a.iso"]);
      await Deno.remove(join(dir, "a.iso"));
    }
  });
});

Deno.test("a .part of an earlier pim, which grew at its end only, is continued", async () => {
  for (const [bytes, requests] of [[20_000, ["GET /a.iso bytes=20000-"]], [content.length, []]] as const) {
    await bench(async ({ server, dir, entry }) => {
      const { url } = entry();
      const notes = { url, validator: '"one"', total: content.length };
      await Deno.writeFile(join(dir, "a.iso.part"), content.subarray(0, bytes));
      await Deno.writeTextFile(join(dir, "a.iso.part.json"), JSON.stringify(notes));
      assert.deepEqual(await isoStatus(entry(), dir), { state: "partial", bytes });
      assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
      assert.deepEqual(server.requests, requests);
    });
  }
});
