import assert from "node:assert/strict";
import { join } from "node:path";
import { downloadIso } from "../../../../lib/iso/download/download.ts";
import { isoStatus } from "../../../../lib/iso/status.ts";
import {
  bench,
  content,
  failsWith,
  fast,
  other,
  parallel,
  sha256,
} from "../../../iso/download/download_bench.ts";
import { cutAfter, type FileServer, rangeOf, serveFile } from "../../../iso/download/file_server.ts";

const total = content.length;
const both = [fast, parallel];

/** Sends what is asked for up to a place in the file, and then nothing more. */
function stallAt(place: number, server: FileServer): void {
  server.misbehave = (request, response) => {
    const { start, end } = rangeOf(request, total);
    response.writeHead(start === 0 && end === total ? 200 : 206, {
      "content-length": end - start,
      ...(start === 0 && end === total ? {} : { "content-range": `bytes ${start}-${end - 1}/${total}` }),
      etag: '"one"',
    });
    response.write(server.content.subarray(start, Math.max(start, Math.min(place, end))));
    return true;
  };
}

Deno.test("a mirror is asked when the URL fails, and not before", async () => {
  await using mirror = await serveFile(content);
  for (const options of both) {
    await bench(async ({ server, dir, entry, log }) => {
      const mirrored = entry({ mirrors: [`${mirror.url}/copy.iso`] });
      mirror.requests.length = 0;
      assert.equal((await downloadIso(mirrored, dir, options)).verified, true);
      assert.deepEqual(mirror.requests, []);
      await Deno.remove(join(dir, "a.iso"));
      server.misbehave = (_request, response) => {
        response.writeHead(404).end();
        return true;
      };
      assert.equal((await downloadIso(mirrored, dir, options)).verified, true);
      assert.ok(mirror.requests.length > 0);
      assert.match(log.join("\n"), /answered 404 Not Found; going on with .*copy\.iso/);
    });
  }
});

Deno.test("a URL that stalls midway is left for a mirror, which sends only what is missing", async () => {
  await using mirror = await serveFile(content);
  mirror.etag = '"of the mirror"';
  for (const options of both) {
    await bench(async ({ server, dir, entry, log }) => {
      mirror.sentBytes = 0;
      stallAt(3000, server);
      const mirrored = entry({ mirrors: [`${mirror.url}/copy.iso`] });
      assert.equal((await downloadIso(mirrored, dir, { ...options, stallTimeoutMs: 500 })).verified, true);
      assert.match(log.join("\n"), /sent nothing for 0.5 s; going on with/);
      assert.ok(mirror.sentBytes > 0 && mirror.sentBytes <= total - 3000, `${mirror.sentBytes} bytes`);
    });
  }
});

Deno.test("a mirror whose file has another size is left out, with a warning", async () => {
  await using wrong = await serveFile(new Uint8Array(60_000));
  await using mirror = await serveFile(content);
  for (const options of both) {
    await bench(async ({ server, dir, entry, log }) => {
      stallAt(3000, server);
      const mirrored = entry({ mirrors: [`${wrong.url}/wrong.iso`, `${mirror.url}/copy.iso`] });
      assert.equal((await downloadIso(mirrored, dir, { ...options, stallTimeoutMs: 500 })).verified, true);
      assert.match(log.join("\n"), /wrong\.iso: the file there has 60000 bytes and not 50000; going on/);
    });
  }
});

Deno.test("a mirror that sends something else is found out by the checksum, and another one is tried", async () => {
  await using mirror = await serveFile(content);
  for (const options of both) {
    await bench(async ({ server, dir, entry, log }) => {
      server.content = other;
      const mirrored = entry({ mirrors: [`${mirror.url}/copy.iso`] });
      assert.equal((await downloadIso(mirrored, dir, options)).verified, true);
      assert.match(
        log.join("\n"),
        /What came of test has the wrong checksum; downloading .* from .*copy\.iso/,
      );
    });
  }
});

Deno.test("when every URL sends the wrong file, the error names the last, and nothing is left behind", async () => {
  await using mirror = await serveFile(other);
  await bench(async ({ server, dir, entry, names }) => {
    server.content = other;
    const mirrored = entry({ mirrors: [`${mirror.url}/copy.iso`] });
    await assert.rejects(
      downloadIso(mirrored, dir, fast),
      failsWith(5, new RegExp(`copy.*${sha256(other)}`)),
    );
    assert.deepEqual(names(), []);
  });
});

Deno.test("pieces of two servers that do not fit are fetched again from one", async () => {
  await using mirror = await serveFile(other);
  await bench(async ({ server, dir, entry, log }) => {
    let stalls = 0;
    server.misbehave = (_request, response) => stalls++ === 0 && cutAfter(20_000, server, response);
    const mirrored = entry({ mirrors: [`${mirror.url}/copy.iso`] });
    assert.equal((await downloadIso(mirrored, dir, fast)).verified, true);
    assert.deepEqual(mirror.requests, ["GET /copy.iso bytes=20000-", "GET /copy.iso"]);
    assert.match(log.join("\n"), /What was put together .* wrong checksum[\s\S]*What came .* wrong checksum/);
  });
});

Deno.test("without a checksum all of the file comes from one server", async () => {
  await using mirror = await serveFile(content);
  for (const options of both) {
    await bench(async ({ server, dir, entry }) => {
      mirror.sentBytes = 0;
      server.content = other;
      stallAt(3000, server);
      const mirrored = entry({ checksum: undefined, mirrors: [`${mirror.url}/copy.iso`] });
      await downloadIso(mirrored, dir, { ...options, retries: 1, stallTimeoutMs: 500 });
      // That of the mirror alone, which a busy machine may have sent in part twice.
      assert.deepEqual(new Uint8Array(await Deno.readFile(join(dir, "a.iso"))), content);
      assert.ok(mirror.sentBytes >= total);
    });
  }
});

Deno.test("what was begun from a mirror goes on from there later, with or without a checksum", async () => {
  await using mirror = await serveFile(content);
  for (const checksum of [undefined, { algorithm: "sha256", hash: sha256(content) }] as const) {
    await bench(async ({ server, dir, entry }) => {
      server.misbehave = (_request, response) => {
        response.writeHead(404).end();
        return true;
      };
      mirror.misbehave = (_request, response) => cutAfter(30_000, mirror, response);
      const mirrored = entry({ checksum, mirrors: [`${mirror.url}/copy.iso`] });
      await assert.rejects(downloadIso(mirrored, dir, { ...fast, retries: 0 }), failsWith(4, /broke off/));
      assert.deepEqual(await isoStatus(mirrored, dir), { state: "partial", bytes: 30_000 });
      mirror.misbehave = () => false;
      mirror.requests.length = 0;
      await downloadIso(mirrored, dir, fast);
      assert.deepEqual(mirror.requests, ["GET /copy.iso bytes=30000-"]);
    });
  }
});
