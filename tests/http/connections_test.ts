import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { type HttpConnections, keptConnections } from "../../lib/http/connections.ts";
import { PimError } from "../../lib/errors.ts";
import type { HttpError } from "../../lib/http/error.ts";
import { httpRequest, openRequest } from "../../lib/http/request.ts";
import { proxyFor } from "../../lib/http/proxy.ts";
import { configureLog, redact } from "../../lib/log.ts";
import { makeCertificate } from "./certificate.ts";
import { tempDir } from "../base/temp.ts";

configureLog({ write: () => {} });

/** Sets variables of the environment until it is disposed of. */
function environment(wanted: Readonly<Record<string, string>>): Disposable {
  const before = Object.keys(wanted).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(wanted)) Deno.env.set(name, value);
  return {
    [Symbol.dispose]() {
      for (const [name, value] of before) {
        if (value === undefined) Deno.env.delete(name);
        else Deno.env.set(name, value);
      }
    },
  };
}

const noProxy = { NO_PROXY: "127.0.0.1" };

Deno.test("connections are used again, whether the answers on them are read or dropped", async () => {
  using _ = environment(noProxy);
  const clients = new Set<number>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request, { remoteAddr }) => {
      clients.add(remoteAddr.port);
      return new Response(request.method === "HEAD" ? null : `${(await request.arrayBuffer()).byteLength}`);
    },
  );
  using connections = keptConnections();
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const body = {
    bytes: 300_000,
    async *pieces() {
      for (let number = 0; number < 3; number++) yield await Promise.resolve(new Uint8Array(100_000));
    },
  };
  assert.equal((await httpRequest({ method: "PUT", url, connections, body })).text, "300000");
  for (let number = 0; number < 4; number++) {
    (await openRequest({ method: "HEAD", url, connections })).drop();
    (await openRequest({ method: "POST", url, connections })).drop();
  }
  assert.equal((await httpRequest({ method: "POST", url, connections, body: new Uint8Array(5) })).text, "5");
  // What is dropped comes free a moment later than the next request may be made.
  assert.ok(clients.size <= 2, `${clients.size} connections`);
});

Deno.test("a reader may take longer than a server may be silent", async () => {
  using _ = environment(noProxy);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(new Uint8Array(1_000_000)),
  );
  using connections = keptConnections();
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const answer = await openRequest({ method: "GET", url, connections, stallTimeoutMs: 500 });
  let bytes = 0;
  for await (const piece of answer.pieces()) {
    if (bytes === 0) await sleep(1200);
    bytes += piece.length;
  }
  assert.equal(bytes, 1_000_000);
});

Deno.test("over a connection that is used again, too, a request ends when it is cancelled or its source breaks", async () => {
  using _ = environment(noProxy);
  const clients = new Set<number>();
  const release = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async ({ method }, { remoteAddr }) => {
      clients.add(remoteAddr.port);
      if (method === "GET") return new Response("ok");
      asked.resolve();
      await release.promise;
      return new Response();
    },
  );
  using _held = { [Symbol.dispose]: () => release.resolve() };
  const url = `http://127.0.0.1:${server.addr.port}/`;
  {
    using connections = keptConnections();
    await httpRequest({ method: "GET", url, connections });
    const stop = new AbortController();
    let outcome = "it waits";
    httpRequest({ method: "POST", url, connections, signal: stop.signal }).catch(({ name }) =>
      outcome = name
    );
    await asked.promise;
    stop.abort();
    await sleep(0);
    assert.equal(outcome, "CancelledError");
    assert.equal(clients.size, 1);
  }
  using connections = keptConnections();
  await httpRequest({ method: "GET", url, connections });
  const body = {
    bytes: 200_000,
    async *pieces() {
      yield await Promise.resolve(new Uint8Array(100_000));
      throw new PimError("the disk is broken");
    },
  };
  const putting = httpRequest({ method: "PUT", url, connections, body, stallTimeoutMs: 1000 });
  await assert.rejects(putting, { name: "PimError", message: "the disk is broken" });
});

Deno.test("the proxy of the environment is taken, and what is wrong with it is said to be its fault", async () => {
  const seen: string[] = [];
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      const buffer = new Uint8Array(4096);
      const head = new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
      seen.push(head.split("\r\n")[0] ?? "");
      assert.match(head, /proxy-authorization: Basic YW5uOnNlc2FtZQ==/i);
      const status = head.startsWith("CONNECT") ? "407 Who are you" : "200 OK";
      await connection.write(
        new TextEncoder().encode(`HTTP/1.1 ${status}\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok`),
      );
      connection.close();
    }
  })();
  const proxy = `http://ann:sesame@127.0.0.1:${listener.addr.port}`;
  const get = async (url: string, connections: HttpConnections = keptConnections()) => {
    using kept = connections;
    return await httpRequest({ method: "GET", url, connections: kept });
  };
  {
    using _ = environment({ HTTP_PROXY: proxy, HTTPS_PROXY: proxy, NO_PROXY: "" });
    assert.equal((await get("http://registry.invalid/v2/")).text, "ok");
    await assert.rejects(get("https://registry.invalid/v2/"), (error: HttpError) => {
      assert.match(error.message, /the proxy 127\.0\.0\.1:\d+ asks for a user and a password/);
      assert.match(error.hint ?? "", /^Correct HTTPS_PROXY, or name registry\.invalid in NO_PROXY/);
      return true;
    });
    assert.deepEqual(seen, [
      "GET http://registry.invalid/v2/ HTTP/1.1",
      "CONNECT registry.invalid:443 HTTP/1.1",
    ]);
  }
  listener.close();
  await serving;
  using _ = environment({ HTTP_PROXY: proxy, NO_PROXY: "" });
  await assert.rejects(
    get("http://registry.invalid/v2/"),
    /the proxy 127\.0\.0\.1:\d+ refuses the connection/,
  );
});

Deno.test("a password of a proxy that is not encoded is taken as it stands", () => {
  using _ = environment({ HTTP_PROXY: "http://ann:100%25-50%off@127.0.0.1:1", NO_PROXY: "" });
  const { host, href } = proxyFor("http://registry.invalid/")!;
  assert.deepEqual([host, href], ["127.0.0.1:1", "http://ann:100%2525-50%25off@127.0.0.1:1/"]);
  assert.equal(redact("100%25-50%off"), "***");
});

Deno.test("certificates are trusted beside the usual ones, among them those of DENO_CERT", async () => {
  await using dir = await tempDir();
  const { cert, key, ca } = await makeCertificate();
  const other = await makeCertificate();
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    () => new Response("ok"),
  );
  const url = `https://127.0.0.1:${server.addr.port}/`;
  const get = async (caCerts: readonly string[]) => {
    using connections = keptConnections(caCerts);
    return (await httpRequest({ method: "GET", url, connections })).text;
  };
  using _ = environment(noProxy);
  await assert.rejects(get([]), /its certificate is not accepted/);
  await assert.rejects(get([other.ca]), /its certificate is not accepted/);
  assert.equal(await get([other.ca, ca]), "ok");
  using _more = environment({ DENO_CERT: await dir.write("ca.pem", ca) });
  assert.equal(await get([]), "ok");
  assert.equal(await get([other.ca]), "ok");
});
