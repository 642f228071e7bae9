import assert from "node:assert/strict";
import { HttpError } from "../../lib/http/error.ts";
import { httpRequest } from "../../lib/http/request.ts";
import { configureLog } from "../../lib/log.ts";
import { makeCertificate } from "./certificate.ts";

configureLog({ write: () => {} });

/** A listener that hands each connection, with the head of its request, to the test. */
async function withRawServer(
  serve: (connection: Deno.Conn, head: string) => Promise<void>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of listener) {
      try {
        const buffer = new Uint8Array(65_536);
        const count = await connection.read(buffer) ?? 0;
        await serve(connection, new TextDecoder("latin1").decode(buffer.subarray(0, count)));
      } catch { /* The client went away. */ }
      try {
        connection.close();
      } catch { /* Closed already. */ }
    }
  })();
  try {
    await work(`http://127.0.0.1:${listener.addr.port}`);
  } finally {
    listener.close();
    await serving;
  }
}

const write = (connection: Deno.Conn, text: string) => connection.write(new TextEncoder().encode(text));

function pieces(count: number, onPiece = (_: number) => {}) {
  return {
    bytes: count * 65_536,
    async *pieces() {
      for (let number = 0; number < count; number++) {
        onPiece(number);
        yield await Promise.resolve(new Uint8Array(65_536));
      }
    },
  };
}

const noAnswer = (pattern: RegExp, retryable: boolean) => (error: unknown) => {
  assert.ok(error instanceof HttpError, String(error));
  assert.match(error.message, pattern);
  assert.equal(error.retryable, retryable);
  return true;
};

Deno.test("a body in pieces is sent with its length and not in chunks", async () => {
  const seen: unknown[] = [];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      const { headers, method } = request;
      seen.push(method, headers.get("content-length"), headers.get("transfer-encoding"));
      seen.push((await request.arrayBuffer()).byteLength);
      return new Response("stored", { status: 201, headers: { "x-subject-token": "t" } });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/file`;
  const answer = await httpRequest({ method: "PUT", url, body: pieces(100) });
  assert.deepEqual(seen, ["PUT", "6553600", null, 6_553_600]);
  assert.deepEqual([answer.status, answer.text, answer.headers.get("x-subject-token")], [201, "stored", "t"]);
  seen.length = 0;
  await httpRequest({ method: "POST", url, body: "grüß" });
  await httpRequest({ method: "POST", url });
  await httpRequest({ method: "DELETE", url });
  assert.deepEqual(seen, ["POST", "6", null, 6, "POST", "0", null, 0, "DELETE", null, null, 0]);
  await server.shutdown();
});

Deno.test("any status is an answer, with the words of the server's status line", async () => {
  await withRawServer(
    (connection) =>
      write(connection, "HTTP/1.1 500 VM 100 already exists\r\ncontent-length: 2\r\n\r\n{}").then(() => {}),
    async (url) => {
      const answer = await httpRequest({ method: "GET", url });
      assert.deepEqual([answer.status, answer.statusText, answer.text], [500, "VM 100 already exists", "{}"]);
    },
  );
});

Deno.test("an answer that comes before all was sent is heard, and the rest is not sent", async () => {
  await withRawServer(async (connection) => {
    await write(connection, "HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\nconnection: close\r\n\r\nquota");
  }, async (url) => {
    let last = 0;
    const body = pieces(5000, (number) => last = number);
    const answer = await httpRequest({ method: "PUT", url, body });
    assert.deepEqual([answer.status, answer.text], [413, "quota"]);
    assert.ok(last < 4999);
  });
});

Deno.test("a connection that is cut, refused, silent or not HTTP is told in plain words", async () => {
  const get = (url: string, stallTimeoutMs = 30_000) => httpRequest({ method: "GET", url, stallTimeoutMs });
  await assert.rejects(
    get("http://127.0.0.1:1/"),
    noAnswer(/127\.0\.0\.1:1: it refuses the connection/, true),
  );
  await assert.rejects(
    get("http://nothing.invalid/"),
    noAnswer(/nothing\.invalid: its name cannot be/, false),
  );
  await withRawServer(async () => {}, async (url) => {
    const body = pieces(5000);
    await assert.rejects(
      httpRequest({ method: "PUT", url, body }),
      noAnswer(/the connection broke off/, true),
    );
  });
  await withRawServer(
    async (connection) => void await write(connection, "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"),
    async (url) => await assert.rejects(get(url), noAnswer(/the connection broke off/, true)),
  );
  await withRawServer(
    async (connection) => void await write(connection, "SSH-2.0-x\r\n\r\n"),
    async (url) => await assert.rejects(get(url), noAnswer(/does not speak HTTP/, false)),
  );
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  await withRawServer(() => over, async (url) => {
    await assert.rejects(get(url, 100), noAnswer(/nothing has moved for 0\.1 s/, true));
    end();
  });
});

Deno.test("a request can be cancelled while it is sent, and what breaks its source breaks it", async () => {
  const { promise: over, resolve: end } = Promise.withResolvers<void>();
  await withRawServer(() => over, async (url) => {
    const abort = new AbortController();
    const body = pieces(5000, (number) => number === 3 && abort.abort());
    await assert.rejects(httpRequest({ method: "PUT", url, body, signal: abort.signal }), {
      name: "CancelledError",
    });
    const broken = pieces(5, (number) => {
      if (number === 2) throw new HttpError("the disk is broken");
    });
    await assert.rejects(httpRequest({ method: "PUT", url, body: broken }), /the disk is broken/);
    end();
  });
});

Deno.test("an answer that is too long is not read to its end", async () => {
  await withRawServer(
    async (connection) => void await write(connection, `HTTP/1.1 200 OK\r\n\r\n${"x".repeat(2000)}`),
    async (url) => {
      await assert.rejects(httpRequest({ method: "GET", url, maxBytes: 1000 }), /more than 1000 bytes/);
    },
  );
});

Deno.test("a server is believed by its authority or its fingerprint, and nothing is sent to another", async () => {
  const { cert, key, ca, fingerprint } = await makeCertificate();
  let asked = 0;
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, cert, key, onListen: () => {} },
    async (request) => {
      asked++;
      return new Response(`${(await request.arrayBuffer()).byteLength} at ${new URL(request.url).pathname}`);
    },
  );
  const url = `https://127.0.0.1:${server.addr.port}/here`;
  const get = (trust: { ca?: string; fingerprint?: string }) => httpRequest({ method: "GET", url, trust });
  await assert.rejects(get({}), noAnswer(/its certificate is not accepted/, false));
  await assert.rejects(
    get({ fingerprint: fingerprint.replace(/^../, fingerprint.startsWith("00") ? "11" : "00") }),
    noAnswer(/has the certificate [0-9A-F:]{95}, not the expected/, false),
  );
  assert.equal(asked, 0);
  assert.equal((await get({ ca })).text, "0 at /here");
  assert.equal((await get({ fingerprint })).text, "0 at /here");
  assert.equal(
    (await get({ fingerprint: fingerprint.replaceAll(":", "").toLowerCase() })).text,
    "0 at /here",
  );
  const sent = await httpRequest({ method: "PUT", url, trust: { fingerprint }, body: pieces(100) });
  assert.equal(sent.text, "6553600 at /here");
  await server.shutdown();
});
