import assert from "node:assert/strict";
import { join } from "node:path";
import { HostError } from "../../lib/errors.ts";
import { reachableHosts } from "../../lib/serve/addresses.ts";
import { answerPaths, renderAnswer } from "../../lib/serve/answers.ts";
import {
  randomPrefix,
  type SeedServer,
  type SeedServerOptions,
  startSeedServer,
} from "../../lib/serve/server.ts";
import { finder, folderWith, source } from "./sources.ts";

const files = new Map([["/preseed.cfg", { contentType: "text/plain; charset=utf-8", body: "d-i ä\n" }]]);

function start(options: Partial<SeedServerOptions> = {}): Promise<SeedServer> {
  return startSeedServer({ answer: (path) => files.get(path), ...options });
}

/** Sends bytes as they are, since fetch tidies paths up, and returns what comes back. */
async function raw(port: number, request: string): Promise<string> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  await connection.write(new TextEncoder().encode(request));
  return await new Response(connection.readable).text();
}

function get(port: number, path: string): Promise<string> {
  return raw(port, `GET ${path} HTTP/1.1\r\nHost: 10.0.2.2:${port}\r\nConnection: close\r\n\r\n`);
}

Deno.test("A known file is served under the prefix with its type and length", async () => {
  await using server = await start({ prefix: "/abc" });
  const response = await fetch(`${server.baseUrl()}/preseed.cfg`);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(response.headers.get("content-length"), "7");
  assert.equal(await response.text(), "d-i ä\n");
  assert.equal(server.baseUrl("10.0.2.2"), `http://10.0.2.2:${server.port}/abc`);
  assert.equal(server.baseUrl("fd00::1"), `http://[fd00::1]:${server.port}/abc`);
});

Deno.test("Without the right prefix there is nothing", async () => {
  const prefix = randomPrefix();
  assert.match(prefix, /^\/[0-9a-f]{32}$/);
  assert.notEqual(randomPrefix(), prefix);
  await using server = await start({ prefix });
  const half = prefix.slice(0, 17);
  for (
    const path of [
      "/preseed.cfg",
      "/",
      prefix,
      `${prefix}x/preseed.cfg`,
      `${half}/preseed.cfg`,
      "/x/preseed.cfg",
    ]
  ) {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    await response.body?.cancel();
    assert.equal(response.status, 404, path);
  }
});

Deno.test("No path leads out of the known files", async () => {
  await using server = await start({ prefix: "/abc" });
  const tries = [
    "/abc/../../../etc/passwd",
    "/abc/..%2f..%2fetc%2fpasswd",
    "/abc/%2e%2e/%2e%2e/etc/passwd",
    "/abc//etc/passwd",
    "//etc/passwd",
    "/abc/preseed.cfg/",
    "/abc/preseed.cfg%00.txt",
    "/abc/preseeds.d/default.cfg.eta",
    "/abc/file:///etc/passwd",
    "file:///etc/passwd",
  ];
  for (const path of tries) {
    const reply = await get(server.port, path);
    assert.match(reply, /^HTTP\/1\.1 (404|400) /, path);
    assert.ok(!reply.includes("root:"), path);
  }
  assert.match(await get(server.port, "/abc/preseed.cfg"), /^HTTP\/1\.1 200 /);
});

Deno.test("HEAD gives the headers alone, other methods are refused", async () => {
  await using server = await start();
  const head = await raw(server.port, "HEAD /preseed.cfg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  assert.match(head, /^HTTP\/1\.1 200 [^]*content-length: 7\r\n[^]*\r\n\r\n$/i);
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const response = await fetch(`${server.baseUrl()}/preseed.cfg`, { method });
    assert.equal(response.status, 405);
    assert.equal(response.headers.get("allow"), "GET, HEAD");
    await response.body?.cancel();
  }
});

Deno.test("Every request is told with client, method, path without prefix, status and size", async () => {
  const seen: string[] = [];
  await using server = await start({
    prefix: "/abc",
    onRequest: ({ client, method, path, status, bytes }) =>
      seen.push(`${client} ${method} ${path} ${status} ${bytes}`),
  });
  await (await fetch(`${server.baseUrl()}/preseed.cfg?x=1`)).text();
  await (await fetch(`${server.baseUrl()}/nope`, { method: "HEAD" })).text();
  await (await fetch(`http://127.0.0.1:${server.port}/zzz`)).text();
  assert.deepEqual(seen, [
    "127.0.0.1 GET /preseed.cfg 200 7",
    "127.0.0.1 HEAD /nope 404 10",
    "127.0.0.1 GET /zzz 404 10",
  ]);
  assert.deepEqual(server.requests.map(({ path }) => path), ["/preseed.cfg", "/nope", "/zzz"]);
  assert.ok(server.requests.every(({ timeMs }) => timeMs >= 0));
});

Deno.test("Templates are rendered anew for each request, with the address by which the client called", async () => {
  await using user = await folderWith({ "preseeds.d/web.cfg.eta": "one <%= it.installUrl %>" });
  const options = { ...source("web", {}), find: finder("web", user.path) };
  await using server = await start({
    answer: (path, baseUrl) => {
      const known = answerPaths.find((each) => each === path);
      return known && renderAnswer(known, { ...options, baseUrl });
    },
  });
  const url = `${server.baseUrl()}/preseed.cfg`;
  assert.equal(await (await fetch(url)).text(), `one http://127.0.0.1:${server.port}/install.sh`);
  assert.match(
    await get(server.port, "/preseed.cfg"),
    new RegExp(`one http://10\\.0\\.2\\.2:${server.port}/install\\.sh$`),
  );
  await Deno.writeTextFile(join(user.path, "preseeds.d/web.cfg.eta"), "a\n<%= it.hostnam %>");
  const broken = await fetch(url);
  assert.equal(broken.status, 500);
  const said = await broken.text();
  assert.match(said, /web\.cfg\.eta:2: it\.hostnam is not defined\nDid you mean it\.hostname\?\n$/);
  assert.equal(server.requests.at(-1)?.error, said.trimEnd());
  await Deno.writeTextFile(join(user.path, "preseeds.d/web.cfg.eta"), "two");
  assert.equal(await (await fetch(url)).text(), "two");
});

Deno.test("A client of HTTP/1.0 without a Host header is served too", async () => {
  await using server = await start();
  assert.match(await raw(server.port, "GET /preseed.cfg HTTP/1.0\r\n\r\n"), /^HTTP\/1\.[01] 200 /);
});

Deno.test("A port that is taken, or an address of another host, is told with what to do", async () => {
  await using server = await start();
  await assert.rejects(
    start({ port: server.port }),
    (error) =>
      error instanceof HostError && /the port is taken/.test(error.message) &&
      /--port 0/.test(error.hint ?? ""),
  );
  await assert.rejects(
    start({ bind: "192.0.2.1" }),
    (error) => error instanceof HostError && error.exitCode === 3 && /--bind/.test(error.hint ?? ""),
  );
});

Deno.test("The server ends with its signal, and a signal that was given before starts none", async () => {
  const controller = new AbortController();
  await using server = await start({ signal: controller.signal });
  const url = `${server.baseUrl()}/preseed.cfg`;
  await (await fetch(url)).text();
  controller.abort();
  await server.finished;
  await assert.rejects(fetch(url));
  await assert.rejects(start({ signal: controller.signal }), /Cancelled/);
});

Deno.test("A client that keeps its connection open does not hold up the end", async () => {
  const server = await start();
  using connection = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await connection.write(new TextEncoder().encode("GET /preseed.cfg HTTP/1.1\r\nHost: x\r\n"));
  await server[Symbol.asyncDispose]();
});

Deno.test("Installers reach a loopback server at 10.0.2.2, and one on all addresses at each of them", () => {
  const interfaces = [
    { family: "IPv4", address: "127.0.0.1" },
    { family: "IPv4", address: "192.0.2.7" },
    { family: "IPv6", address: "fe80::1" },
    { family: "IPv4", address: "198.51.100.7" },
  ] as const;
  assert.deepEqual(reachableHosts("127.0.0.1", interfaces), ["10.0.2.2"]);
  assert.deepEqual(reachableHosts("localhost", interfaces), ["10.0.2.2"]);
  assert.deepEqual(reachableHosts("0.0.0.0", interfaces), ["192.0.2.7", "198.51.100.7"]);
  assert.deepEqual(reachableHosts("192.0.2.7", interfaces), ["192.0.2.7"]);
});
