import assert from "node:assert/strict";
import { join } from "node:path";
import type { PimError } from "../../../lib/errors.ts";
import { downloadIso } from "../../../lib/iso/download/download.ts";
import { isoStatus } from "../../../lib/iso/status.ts";
import { ensureIso } from "../../../lib/iso/supply.ts";
import { start } from "../../../lib/process.ts";
import { cutAfter } from "./file_server.ts";
import { bench, content, failsWith, fast, other, sha256 } from "./download_bench.ts";

Deno.test("a download has the right content, is remembered as verified, and is not fetched again", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    const seen: number[] = [];
    const file = await ensureIso(entry(), dir, {
      ...fast,
      onProgress: ({ bytes, totalBytes }) => seen.push(bytes, totalBytes ?? -1),
    });
    assert.deepEqual(file, {
      key: "test",
      path: join(dir, "a.iso"),
      bytes: content.length,
      checksum: { algorithm: "sha256", hash: sha256(content) },
      verified: true,
    });
    assert.deepEqual(new Uint8Array(await Deno.readFile(file.path)), content);
    assert.deepEqual(seen.slice(-2), [content.length, content.length]);
    assert.deepEqual(names(), ["a.iso", "a.iso.json"]);
    assert.equal((await isoStatus(entry(), dir)).state, "verified");
    await ensureIso(entry(), dir, fast);
    assert.deepEqual(server.requests, ["GET /a.iso"]);
  });
});

Deno.test("a wrong checksum leaves nothing behind and names both hashes", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    server.content = other;
    const wrong = failsWith(5, new RegExp(`${sha256(other)}.*${sha256(content)}`));
    await assert.rejects(downloadIso(entry(), dir, fast), wrong);
    assert.deepEqual(names(), []);
    assert.equal((await isoStatus(entry(), dir)).state, "missing");
  });
});

Deno.test("answers 500 and 429 are tried again, 404 is not", async () => {
  await bench(async ({ server, dir, entry }) => {
    const say = (status: number) => (_: unknown, response: { writeHead(s: number): { end(): void } }) => {
      response.writeHead(status).end();
      return true;
    };
    server.misbehave = (request, response, count) =>
      count < 3 && say(count === 1 ? 503 : 429)(request, response);
    await downloadIso(entry(), dir, fast);
    assert.equal(server.requests.length, 3);
    await Deno.remove(join(dir, "a.iso"));
    server.requests.length = 0;
    server.misbehave = say(404);
    await assert.rejects(downloadIso(entry(), dir, fast), failsWith(4, /answered 404/));
    assert.equal(server.requests.length, 1);
    assert.equal((await isoStatus(entry(), dir)).state, "missing");
    server.requests.length = 0;
    server.misbehave = say(500);
    await assert.rejects(downloadIso(entry(), dir, { ...fast, retries: 2 }), failsWith(4, /answered 500/));
    assert.equal(server.requests.length, 3);
  });
});

Deno.test("a failed download says that what came is kept", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    server.misbehave = (_request, response) => cutAfter(1000, server, response);
    await assert.rejects(downloadIso(entry(), dir, { ...fast, retries: 0 }), (error: PimError) => {
      failsWith(4, /broke off/)(error);
      assert.match(error.hint ?? "", /1000 bytes so far are kept.*pim iso download test/);
      return true;
    });
    assert.deepEqual(names(), ["a.iso.part", "a.iso.part.json"]);
  });
});

Deno.test("redirects are followed to the file, and loops of them end", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (request, response) => {
      const step = Number(/^\/hop(\d+)/.exec(request.url ?? "")?.[1] ?? 0);
      if (step === 0) return false;
      response.writeHead(302, { location: step === 1 ? "a.iso" : step === 99 ? "/hop99" : `/hop${step - 1}` })
        .end();
      return true;
    };
    await downloadIso(entry({ url: `${server.url}/hop3` }), dir, fast);
    assert.deepEqual(server.requests, ["GET /hop3", "GET /hop2", "GET /hop1", "GET /a.iso"]);
    const loop = entry({ url: `${server.url}/hop99`, filename: "b.iso" });
    await assert.rejects(downloadIso(loop, dir, fast), failsWith(4, /redirects more than 10 times/));
  });
});

Deno.test("a redirect to anything but http is refused", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (_request, response) => {
      response.writeHead(302, { location: "file:///etc/passwd" }).end();
      return true;
    };
    await assert.rejects(downloadIso(entry(), dir, fast), failsWith(4, /redirects to file:/));
  });
});

Deno.test("a server that claims a wrong length is found out", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    server.misbehave = (_request, response) => {
      response.writeHead(200, { "content-length": 10 }).end(content.subarray(0, 10));
      return true;
    };
    await assert.rejects(downloadIso(entry(), dir, fast), failsWith(5, /should be/));
    assert.deepEqual(names(), []);
  });
});

Deno.test("a file without a length arrives too", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (_request, response) => {
      response.writeHead(200);
      response.write(content.subarray(0, 10));
      response.end(content.subarray(10));
      return true;
    };
    assert.equal((await downloadIso(entry(), dir, fast)).bytes, content.length);
  });
});

Deno.test("more than the free space is refused before it is fetched, with the sum", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (_request, response) => {
      response.writeHead(200, { "content-length": 2 ** 52 });
      response.write("x");
      return true;
    };
    await assert.rejects(
      downloadIso(entry(), dir, fast),
      failsWith(3, /4 PiB are needed and .* are free.* missing/),
    );
  });
});

Deno.test("a silent server is given up on, and says so", async () => {
  await bench(async ({ server, dir, entry }) => {
    server.misbehave = (_request, response) => {
      response.writeHead(200, { "content-length": 100 });
      response.write("x");
      return true;
    };
    const options = { ...fast, retries: 0, stallTimeoutMs: 100 };
    await assert.rejects(downloadIso(entry(), dir, options), failsWith(4, /sent nothing for 0.1 s/));
    server.misbehave = () => true;
    await assert.rejects(downloadIso(entry(), dir, options), failsWith(4, /sent nothing for 0.1 s/));
  });
});

Deno.test("a cancelled download ends at once with exit code 130 and can be resumed", async () => {
  await bench(async ({ server, dir, entry, names }) => {
    const controller = new AbortController();
    server.misbehave = (_request, response, count) => {
      if (count > 1) return false;
      response.writeHead(200, { "content-length": content.length, etag: '"one"' });
      response.write(content.subarray(0, 10_000));
      return true;
    };
    const onProgress = ({ bytes }: { readonly bytes: number }) => bytes >= 10_000 && controller.abort();
    await assert.rejects(
      downloadIso(entry(), dir, { ...fast, signal: controller.signal, onProgress }),
      failsWith(130, /Cancelled/),
    );
    assert.deepEqual(names(), ["a.iso.part", "a.iso.part.json"]);
    await downloadIso(entry(), dir, fast);
    assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=10000-"]);
  });
});

Deno.test("two downloads of one file become one", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    server.misbehave = (_request, response) => {
      setTimeout(() => response.writeHead(200, { "content-length": content.length }).end(content), 100);
      return true;
    };
    const files = await Promise.all([downloadIso(entry(), dir, fast), downloadIso(entry(), dir, fast)]);
    assert.deepEqual(files[0], files[1]);
    assert.equal(server.requests.length, 1);
    assert.match(log.join("\n"), /Another pim is downloading a.iso/);
  });
});

Deno.test("a process that is killed in the middle leaves a .part that the next one goes on with", async () => {
  await bench(async ({ server, dir, entry }) => {
    const script = join(dir, ".child.ts");
    const library = new URL("../../../lib/iso/download/download.ts", import.meta.url).href;
    const config = new URL("../../../deno.json", import.meta.url).pathname;
    await Deno.writeTextFile(
      script,
      `import { downloadIso } from "${library}"; await downloadIso(${JSON.stringify(entry())}, ${
        JSON.stringify(dir)
      });`,
    );
    let arrived = () => {};
    const sent = new Promise<void>((resolve) => arrived = resolve);
    server.misbehave = (_request, response, count) => {
      if (count > 1) return false;
      response.writeHead(200, { "content-length": content.length, etag: '"one"' });
      response.write(content.subarray(0, 15_000), () => arrived());
      return true;
    };
    const child = start([Deno.execPath(), "run", "-A", "--config", config, script]);
    await sent;
    while ((await isoStatus(entry(), dir) as { bytes?: number }).bytes !== 15_000) {
      await new Promise((r) => setTimeout(r, 20));
    }
    child.kill("SIGKILL");
    await child.ended;
    assert.equal((await downloadIso(entry(), dir, fast)).verified, true);
    assert.deepEqual(server.requests, ["GET /a.iso bytes=0-16777215", "GET /a.iso bytes=15000-"]);
  });
});
