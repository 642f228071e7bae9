import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { join } from "node:path";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import { isoStatus } from "../../../lib/iso/status.ts";
import { bench, content, failsWith, fast, other, parallel } from "./download_bench.ts";
import { cutAfter, rangeOf, serveFile } from "./file_server.ts";

const total = content.length;

Deno.test("several connections fetch a file in parts, each byte once", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    let [open, most] = [0, 0];
    server.misbehave = (_request, response) => {
      most = Math.max(most, ++open);
      response.on("close", () => open--);
      return false;
    };
    server.delayMs = 20;
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(dir, "a.iso"))), content);
    const parts = Array.from({ length: 12 }, (_, i) => `GET /a.iso bytes=${i * 4000}-${i * 4000 + 3999}`);
    assert.deepEqual(server.requests.toSorted(), [...parts, "GET /a.iso bytes=48000-"].toSorted());
    assert.ok(most > 1 && most <= 4, `${most} at once`);
    assert.deepEqual(names(), ["a.iso", "a.iso.json"]);
  });
});

Deno.test("a server without ranges, or without anything that tells versions apart, sends all at once", async () => {
  for (const spoil of ["ignoreRange", "etag", "weak"] as const) {
    await bench(async ({ server, dir, entry }) => {
      if (spoil === "ignoreRange") server.ignoreRange = true;
      else server.etag = spoil === "weak" ? 'W/"weak"' : undefined;
      assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
      const first = "GET /a.iso bytes=0-3999";
      assert.deepEqual(server.requests, spoil === "ignoreRange" ? [first] : [first, "GET /a.iso"]);
    });
  }
});

Deno.test("a part that is cut is continued from its last byte, while the others go on", async () => {
  await bench(async ({ server, dir, entry }) => {
    let cuts = 0;
    server.misbehave = (request, response) => {
      const { start, end } = rangeOf(request, total);
      return start % 8000 === 0 && cuts++ < 6 && cutAfter(1000, server, response, start, end);
    };
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    assert.ok(server.requests.includes("GET /a.iso bytes=9000-11999"), server.requests.join("\n"));
  });
});

Deno.test("what came in parts is known after a failure, and only the rest is fetched later", async () => {
  await bench(async ({ server, dir, entry }) => {
    // Three parts arrive, and everything else breaks off after 500 bytes.
    const good = new Set([0, 8000, 12_000]);
    server.misbehave = (request, response) => {
      const { start, end } = rangeOf(request, total);
      return !good.has(start) && cutAfter(500, server, response, start, end);
    };
    await assert.rejects(downloadIso(entry(), dir, { ...parallel, retries: 0 }), failsWith(4, /broke off/));
    const status = await isoStatus(entry(), dir);
    assert.ok(status.state === "partial" && status.bytes >= 12_000 && status.bytes < 25_000);
    server.misbehave = () => false;
    server.requests.length = 0;
    server.sentBytes = 0;
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    assert.equal(server.sentBytes, total - status.bytes);
  });
});

Deno.test("a server that takes one connection only is served by one", async () => {
  await bench(async ({ server, dir, entry }) => {
    let busy = false;
    server.delayMs = 5;
    server.misbehave = (_request, response) => {
      if (busy) {
        response.writeHead(503).end();
        return true;
      }
      busy = true;
      response.on("close", () => busy = false);
      return false;
    };
    // None of the others waits until the server likes more of them.
    server.requests.length = 0;
    assert.equal((await downloadIso(entry(), dir, { ...parallel, backoffMs: 60_000 })).verified, true);
    assert.equal(server.requests.length, 13 + 3);
  });
});

Deno.test("a file that changes while its parts are fetched begins anew, and is never stitched together", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    server.content = other;
    server.misbehave = (_request, _response, count) => {
      if (count === 4) [server.content, server.etag] = [content, '"two"'];
      return false;
    };
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    assert.ok(server.requests.includes("GET /a.iso"), server.requests.join("\n"));
    assert.match(
      log.join("\n"),
      /not all of one file; downloading it from the beginning, over one connection/,
    );
    assert.doesNotMatch(log.join("\n"), /wrong checksum/);
  });
});

Deno.test("a file that changes without a checksum to tell begins anew as well", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.content = other;
    server.misbehave = (_request, _response, count) => {
      if (count === 4) [server.content, server.etag] = [content, '"two"'];
      return false;
    };
    await downloadIso(entry({ checksum: undefined }), dir, parallel);
    assert.deepEqual(new Uint8Array(await Deno.readFile(join(dir, "a.iso"))), content);
  });
});

Deno.test("a part with another range, size or version than asked for is not used", async () => {
  const part = (range: string, headers: Record<string, string> = {}) => (response: ServerResponse) => {
    response.writeHead(206, { "content-range": range, etag: '"one"', ...headers }).end(
      other.subarray(0, 4000),
    );
    return true as const;
  };
  for (
    const lie of [
      part(`bytes 0-3999/${total}`),
      part(`bytes 7000-10999/${total}`),
      part(`bytes 8000-12999/${total}`),
      part(`bytes 8000-11999/${total + 1}`),
      part(`bytes 8000-11999/${total}`, { etag: '"two"' }),
      part("items 1-2/3"),
    ]
  ) {
    await bench(async ({ server, dir, entry }) => {
      server.misbehave = (request, response) => rangeOf(request, total).start === 8000 && lie(response);
      await downloadIso(entry({ checksum: undefined }), dir, parallel);
      assert.deepEqual(new Uint8Array(await Deno.readFile(join(dir, "a.iso"))), content);
    });
  }
});

Deno.test("a part that ends early or goes on for too long does no harm", async () => {
  for (const bytes of [3000, 5000]) {
    await bench(async ({ server, dir, entry }) => {
      let lies = 0;
      server.misbehave = (request, response) => {
        if (rangeOf(request, total).start !== 8000 || lies++ > 0) return false;
        response.writeHead(206, { "content-range": `bytes 8000-11999/${total}`, etag: '"one"' });
        response.end(content.subarray(8000, 8000 + bytes));
        return true;
      };
      await downloadIso(entry({ checksum: undefined }), dir, { ...parallel, retries: 1 });
      assert.deepEqual(new Uint8Array(await Deno.readFile(join(dir, "a.iso"))), content);
    });
  }
});

Deno.test("a stalled part is asked for again", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    let stalls = 0;
    server.misbehave = (request, response) => {
      if (rangeOf(request, total).start !== 12_000 || stalls++ > 0) return false;
      response.writeHead(206, { "content-range": `bytes 12000-15999/${total}`, etag: '"one"' });
      response.write(content.subarray(12_000, 12_100));
      return true;
    };
    assert.equal((await downloadIso(entry(), dir, { ...parallel, stallTimeoutMs: 500 })).verified, true);
    assert.match(log.join("\n"), /sent nothing for 0.5 s/);
  });
});

Deno.test("every part goes to the server that a redirect led to, and to the URL itself when that is gone", async () => {
  await bench(async ({ server, dir, entry }) => {
    let moved = 0;
    server.misbehave = (request, response) => {
      if (request.url === "/a.iso") {
        response.writeHead(302, { location: `/real${++moved}` }).end();
        return true;
      }
      if (request.url !== "/real1" || rangeOf(request, total).start < 20_000) return false;
      response.writeHead(403).end();
      return true;
    };
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    const asked = server.requests.filter((line) => line.startsWith("GET /a.iso")).length;
    assert.ok(asked >= 2 && asked <= 5, server.requests.join("\n"));
  });
});

Deno.test("one connection goes on with what several left behind", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (request, response) => {
      const { start, end } = rangeOf(request, total);
      return start % 8000 !== 0 && cutAfter(500, server, response, start, end);
    };
    await assert.rejects(downloadIso(entry(), dir, { ...parallel, retries: 0 }));
    server.misbehave = () => false;
    assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
  });
});

Deno.test("a redirect that leads to another server midway is followed when a checksum decides", async () => {
  await using second = await serveFile(content);
  second.etag = '"of the second"';
  await bench(async ({ server, dir, entry, log }) => {
    let first = true;
    server.misbehave = (request, response) => {
      if (request.url === "/a.iso") {
        response.writeHead(302, { location: first ? "/real" : `${second.url}/real` }).end();
        first = false;
        return true;
      }
      if (rangeOf(request, total).start < 16_000) return false;
      response.writeHead(500).end();
      return true;
    };
    assert.equal((await downloadIso(entry(), dir, parallel)).verified, true);
    assert.equal(server.sentBytes + second.sentBytes, total);
    assert.doesNotMatch(log.join("\n"), /from the beginning/);
  });
});
