import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run, type RunResult } from "../../../lib/process.ts";
import { type FileServer, serveFile } from "./file_server.ts";
import { type ProxyServer, serveProxy } from "./proxy_server.ts";

const main = new URL("../../../main.ts", import.meta.url).pathname;
const content = new Uint8Array(10_000).fill(3);
const hash = createHash("sha256").update(content).digest("hex");

const variables = ["http", "https", "all", "no"].flatMap((scheme) => [
  `${scheme}_proxy`,
  `${scheme.toUpperCase()}_PROXY`,
]);

interface Setup {
  readonly server: FileServer;
  readonly proxy: ProxyServer;
  /** `pim iso download` of this URL with these variables of the environment. */
  download(url: string, env: Record<string, string>): Promise<RunResult>;
}

async function withProxy(work: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await using server = await serveFile(content);
  await using proxy = await serveProxy(Number(new URL(server.url).port));
  let count = 0;
  const download = async (url: string, env: Record<string, string>) => {
    const home = join(dir, String(count++));
    await Deno.mkdir(join(home, "isos.d"), { recursive: true });
    await Deno.writeTextFile(
      join(home, "isos.d/test.yml"),
      `test:\n  url: ${url}\n  checksum: sha256:${hash}\n  architecture: amd64\n`,
    );
    const folders = {
      PIM_CONFIG_DIR: home,
      PIM_CACHE_DIR: join(home, "cache"),
      PIM_DATA_DIR: join(home, "data"),
      // Once a day Deno asks for its own newest version, through the same proxy.
      DENO_NO_UPDATE_CHECK: "1",
    };
    // What this machine has set must not take part; an empty NO_PROXY would hide no_proxy.
    const unset = variables.filter((name) => env[name] === undefined).flatMap((name) => ["-u", name]);
    return await run(["env", ...unset, Deno.execPath(), "run", "-A", main, "iso", "download", "test"], {
      env: { ...folders, ...env },
      cwd: home,
      okStatus: [0, 4],
    });
  };
  try {
    await work({ server, proxy, download });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("http_proxy and HTTP_PROXY lead downloads through the proxy, with user and password", async () => {
  await withProxy(async ({ proxy, download }) => {
    const url = "http://mirror.invalid/a.iso";
    for (const variable of ["http_proxy", "HTTP_PROXY"]) {
      const done = await download(url, { [variable]: `http://me:geheim77@127.0.0.1:${proxy.port}` });
      assert.equal(done.code, 0, done.stderr);
      assert.deepEqual(proxy.requests.splice(0), [`GET ${url} me:geheim77`]);
      assert.doesNotMatch(done.stderr, /geheim77/);
    }
  });
});

Deno.test("https_proxy and HTTPS_PROXY ask the proxy for a tunnel", async () => {
  await withProxy(async ({ proxy, download }) => {
    proxy.refuse = 403;
    for (const variable of ["https_proxy", "HTTPS_PROXY"]) {
      const done = await download("https://mirror.invalid/a.iso", {
        [variable]: `http://me:geheim77@127.0.0.1:${proxy.port}`,
      });
      assert.equal(done.code, 4);
      assert.deepEqual(proxy.requests.splice(0), ["CONNECT mirror.invalid:443 me:geheim77"]);
      assert.match(done.stderr, /the proxy 127\.0\.0\.1:\d+ does not let us through to mirror\.invalid/);
      assert.match(done.stderr, new RegExp(`Correct ${variable}, or name mirror\\.invalid in NO_PROXY`));
      assert.doesNotMatch(done.stderr, /geheim77/);
    }
  });
});

Deno.test("no_proxy and NO_PROXY keep hosts from the proxy", async () => {
  await withProxy(async ({ server, proxy, download }) => {
    for (const variable of ["no_proxy", "NO_PROXY"]) {
      const env = { http_proxy: `http://127.0.0.1:${proxy.port}`, [variable]: "example.org,127.0.0.1" };
      assert.equal((await download(`${server.url}/a.iso`, env)).code, 0);
    }
    assert.deepEqual(proxy.requests, []);
    assert.equal(server.requests.length, 2);
  });
});

Deno.test("a proxy that wants a password, or is not there, is told from the server behind it", async () => {
  await withProxy(async ({ proxy, download }) => {
    proxy.refuse = 407;
    const via = {
      http_proxy: `http://127.0.0.1:${proxy.port}`,
      https_proxy: `http://127.0.0.1:${proxy.port}`,
    };
    const wanted = await download("http://mirror.invalid/a.iso", via);
    assert.match(wanted.stderr, /the proxy 127\.0\.0\.1:\d+ answered 407/);
    assert.match(wanted.stderr, /Write the user and the password into http_proxy/);
    const tunnel = await download("https://mirror.invalid/a.iso", via);
    assert.match(tunnel.stderr, /the proxy 127\.0\.0\.1:\d+ asks for a user and a password/);
    const lost = await download("http://mirror.invalid/a.iso", {
      HTTP_PROXY: "http://me:geheim77@proxy.invalid:3128",
    });
    assert.match(lost.stderr, /the proxy proxy\.invalid:3128 cannot be found/);
    assert.doesNotMatch(lost.stderr, /geheim77/);
  });
});
