import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { PimError } from "../../lib/errors.ts";
import { downloadIso } from "../../lib/iso/download.ts";
import type { IsoEntry } from "../../lib/iso/entry.ts";
import { isoStatus } from "../../lib/iso/status.ts";
import { ensureIso } from "../../lib/iso/supply.ts";
import { type IsoOptions, verifyIso } from "../../lib/iso/verify.ts";
import { configureLog } from "../../lib/log.ts";
import { start } from "../../lib/process.ts";
import { cutAfter, type FileServer, serveFile } from "./file_server.ts";

const content = crypto.getRandomValues(new Uint8Array(50_000).fill(0));
const other = content.slice().reverse();
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const fast: IsoOptions = { backoffMs: 1, stallTimeoutMs: 5_000 };

interface Bench {
  readonly server: FileServer;
  readonly dir: string;
  readonly log: string[];
  entry(changes?: Partial<IsoEntry>): IsoEntry;
  /** Names in the ISO folder that are not hidden. */
  names(): string[];
}

async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  const log: string[] = [];
  configureLog({ write: (line) => log.push(line) });
  await using server = await serveFile(content);
  const entry = (changes: Partial<IsoEntry> = {}): IsoEntry => ({
    key: "test",
    name: "test",
    url: `${server.url}/a.iso`,
    checksum: { algorithm: "sha256", hash: sha256(content) },
    checksumUrl: undefined,
    filename: "a.iso",
    architecture: "amd64",
    ...changes,
  });
  const names = () =>
    [...Deno.readDirSync(dir)].map(({ name }) => name).filter((n) => !n.startsWith(".")).sort();
  try {
    await work({ server, dir, log, entry, names });
  } finally {
    configureLog({ write: () => {} });
    await Deno.remove(dir, { recursive: true });
  }
}

/** Leaves the first bytes of a download behind, as if pim had been ended then. */
async function interrupted({ server, dir, entry }: Bench, bytes: number): Promise<void> {
  const { misbehave } = server;
  server.misbehave = (_request, response) => cutAfter(bytes, server, response);
  await assert.rejects(downloadIso(entry(), dir, { ...fast, retries: 0 }));
  server.misbehave = misbehave;
  server.requests.length = 0;
}

const failsWith = (exitCode: number, pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof PimError, String(error));
  assert.equal(error.exitCode, exitCode, error.message);
  assert.match(error.message, pattern);
  return true;
};

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
    assert.match(all.log.join("\n"), /wrong checksum; downloading it from the beginning/);
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

Deno.test("a .part that is whole already needs no more bytes", async () => {
  await bench(async (all) => {
    await interrupted(all, 30_000);
    await Deno.writeFile(join(all.dir, "a.iso.part"), content);
    assert.equal((await downloadIso(all.entry(), all.dir, fast)).verified, true);
    assert.deepEqual(all.server.requests, []);
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
      response.write(content.subarray(0, 10_000), () => setTimeout(() => controller.abort(), 50));
      return true;
    };
    await assert.rejects(
      downloadIso(entry(), dir, { ...fast, signal: controller.signal }),
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
    const library = new URL("../../lib/iso/download.ts", import.meta.url).href;
    const config = new URL("../../deno.json", import.meta.url).pathname;
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
    assert.deepEqual(server.requests, ["GET /a.iso", "GET /a.iso bytes=15000-"]);
  });
});

Deno.test("the checksum is found in a checksum file, and a newer release there is pointed out", async () => {
  await bench(async ({ server, dir, entry }) => {
    let sums = `${sha256(other)}  b.iso\n${sha256(content)} *a.iso\n`;
    server.misbehave = (request, response) => {
      if (request.url !== "/SHA256SUMS") return false;
      response.end(sums);
      return true;
    };
    const listed = entry({
      checksum: undefined,
      checksumUrl: `${server.url}/SHA256SUMS`,
      filename: "renamed.iso",
    });
    assert.equal((await downloadIso(listed, dir, fast)).verified, true);
    assert.equal((await isoStatus(listed, dir)).state, "verified");
    sums = `${sha256(other)}  a2.iso\n`;
    assert.equal((await ensureIso(listed, dir, fast)).verified, true);
    assert.deepEqual(server.requests, ["GET /SHA256SUMS", "GET /a.iso"]);
    await assert.rejects(downloadIso({ ...listed, filename: "new.iso" }, dir, fast), (error: PimError) => {
      failsWith(5, /has no SHA-256 or SHA-512 checksum of a.iso/)(error);
      assert.match(error.hint ?? "", /a2\.iso/);
      return true;
    });
  });
});

Deno.test("without any checksum the ISO is used with a warning, and its hash is told", async () => {
  await bench(async ({ server, dir, entry, log }) => {
    const unknown = entry({ checksum: undefined });
    const file = await ensureIso(unknown, dir, fast);
    assert.equal(file.verified, false);
    assert.equal(file.checksum.hash, sha256(content));
    assert.match(log.join("\n"), new RegExp(`unverified.*sha256:${sha256(content)}`));
    assert.equal((await isoStatus(unknown, dir)).state, "present-unverified");
    assert.equal((await ensureIso(unknown, dir, fast)).verified, false);
    assert.equal(server.requests.length, 1);
  });
});

Deno.test("a file URL is copied and verified, a path is used where it is", async () => {
  await bench(async ({ dir, entry, names }) => {
    const isoDir = join(dir, "isos");
    const path = join(dir, "own file.iso");
    await Deno.writeFile(path, content);
    const copy = await ensureIso(entry({ url: pathToFileURL(path).href }), isoDir, fast);
    assert.equal(copy.path, join(isoDir, "a.iso"));
    assert.equal(copy.verified, true);
    const local = await ensureIso(entry({ key: "local", url: path }), isoDir, fast);
    assert.deepEqual([local.path, local.verified], [path, true]);
    assert.equal((await isoStatus(entry({ key: "local", url: path }), isoDir)).state, "verified");
    await Deno.writeFile(path, other);
    await assert.rejects(
      ensureIso(entry({ key: "local", url: path }), isoDir, fast),
      failsWith(5, /own file.iso is not/),
    );
    assert.deepEqual(new Uint8Array(await Deno.readFile(path)), other);
    const gone = entry({ url: pathToFileURL(join(dir, "gone.iso")).href, filename: "gone.iso" });
    await assert.rejects(ensureIso(gone, isoDir, fast), failsWith(4, /Cannot copy/));
    await assert.rejects(
      ensureIso(entry({ key: "g", url: join(dir, "gone") }), isoDir, fast),
      failsWith(4, /not there/),
    );
    assert.deepEqual(names(), ["isos", "own file.iso"]);
  });
});

Deno.test("a file that changed on disk is noticed at once, verified again, and replaced when it is wrong", async () => {
  await bench(async ({ server, dir, entry }) => {
    const path = join(dir, "a.iso");
    await ensureIso(entry(), dir, fast);
    await Deno.utime(path, new Date(), new Date(0));
    assert.equal((await isoStatus(entry(), dir)).state, "changed");
    assert.equal((await ensureIso(entry(), dir, fast)).verified, true);
    assert.equal(server.requests.length, 1);
    await Deno.writeFile(path, other);
    assert.equal((await isoStatus(entry(), dir)).state, "changed");
    await assert.rejects(verifyIso(entry(), dir, fast), failsWith(5, /is not the ISO/));
    assert.equal((await isoStatus(entry(), dir)).state, "wrong");
    assert.equal((await ensureIso(entry(), dir, fast)).verified, true);
    assert.equal(server.requests.length, 2);
    assert.deepEqual(new Uint8Array(await Deno.readFile(path)), content);
  });
});

Deno.test("a full verification reads the file even when it looks the same", async () => {
  await bench(async ({ dir, entry }) => {
    const path = join(dir, "a.iso");
    await ensureIso(entry(), dir, fast);
    const { mtime } = await Deno.stat(path);
    await Deno.writeFile(path, other);
    await Deno.utime(path, new Date(), mtime as Date);
    assert.equal((await isoStatus(entry(), dir)).state, "verified");
    await assert.rejects(verifyIso(entry(), dir, { ...fast, full: true }), failsWith(5, /is not the ISO/));
    assert.equal((await isoStatus(entry(), dir)).state, "wrong");
  });
});

Deno.test("another checksum in the catalog ends an earlier verification, without reading the file", async () => {
  await bench(async ({ dir, entry }) => {
    await ensureIso(entry(), dir, fast);
    const changed = entry({ checksum: { algorithm: "sha256", hash: sha256(other) } });
    assert.equal((await isoStatus(changed, dir)).state, "wrong");
    const stronger = entry({ checksum: { algorithm: "sha512", hash: "0".repeat(128) } });
    assert.equal((await isoStatus(stronger, dir)).state, "present-unverified");
    await assert.rejects(ensureIso(changed, dir, fast), failsWith(5, /should be/));
    await Deno.writeTextFile(join(dir, "a.iso.json"), "not json");
    assert.equal((await isoStatus(entry(), dir)).state, "present-unverified");
    assert.equal((await verifyIso(entry(), dir, fast)).verified, true);
  });
});
