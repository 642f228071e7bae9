import assert from "node:assert/strict";
import { fetchText, httpGet } from "../../lib/http/get.ts";
import { HttpError, showUrl } from "../../lib/http/error.ts";
import { withRetries } from "../../lib/http/retry.ts";
import { configureLog } from "../../lib/log.ts";
import { version } from "../../lib/version.ts";

configureLog({ write: () => {} });

/** Serves HTTP on the loopback and hands its URL to the test. */
async function withServer(
  handler: (request: Request) => Response | Promise<Response>,
  work: (url: string) => Promise<void>,
): Promise<void> {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, handler);
  try {
    await work(`http://127.0.0.1:${server.addr.port}`);
  } finally {
    await server.shutdown();
  }
}

const once = { retries: 0, maxBytes: 1000 };
const httpError = (pattern: RegExp, retryable: boolean) => (error: unknown) => {
  assert.ok(error instanceof HttpError, String(error));
  assert.match(error.message, pattern);
  assert.equal(error.exitCode, 4);
  assert.equal(error.retryable, retryable);
  return true;
};

Deno.test("a request says who asks and takes no compression", async () => {
  const seen: (string | null)[] = [];
  await withServer((request) => {
    seen.push(request.headers.get("user-agent"), request.headers.get("accept-encoding"));
    return new Response("grüß");
  }, async (url) => assert.equal(await fetchText(url, once), "grüß"));
  assert.deepEqual(seen, [`pim/${version}`, "identity"]);
});

Deno.test("a name that does not exist, a refused port and a wrong protocol are told in plain words", async () => {
  await assert.rejects(
    fetchText("http://no-such-host.invalid/x", once),
    httpError(/no-such-host.invalid cannot be resolved/, false),
  );
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await assert.rejects(
    fetchText(`http://127.0.0.1:${port}/`, once),
    httpError(/refuses the connection/, true),
  );
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const connection of other) {
      using _ = connection;
      await connection.read(new Uint8Array(1000));
      await connection.write(new TextEncoder().encode("SSH-2.0-x\r\n\r\n"));
    }
  })();
  const host = `127.0.0.1:${other.addr.port}`;
  await assert.rejects(fetchText(`https://${host}/`, once), httpError(/does not speak TLS/, false));
  await assert.rejects(fetchText(`http://${host}/`, once), httpError(/invalid HTTP version/, false));
  other.close();
  await serving;
});

Deno.test("a document that is too large is not read to its end", async () => {
  await withServer(() => new Response("x".repeat(2000)), async (url) => {
    await assert.rejects(fetchText(url, once), httpError(/more than 1000 bytes/, false));
  });
});

Deno.test("Retry-After is waited for, and a wait can be cancelled", async () => {
  let asked = 0;
  await withServer(() => {
    asked++;
    return new Response("busy", { status: 503, headers: { "retry-after": "30" } });
  }, async (url) => {
    const begin = performance.now();
    const signal = AbortSignal.timeout(100);
    await assert.rejects(fetchText(url, { ...once, retries: 3, backoffMs: 1, signal }), {
      name: "CancelledError",
    });
    assert.ok(performance.now() - begin < 5000);
  });
  assert.equal(asked, 1);
});

Deno.test("only failures that may pass are tried again, and progress begins the count anew", async () => {
  let calls = 0;
  const failing = (retryable: boolean) =>
    withRetries(() => {
      calls++;
      return Promise.reject(new HttpError("no", { retryable }));
    }, { retries: 3, backoffMs: 1 });
  await assert.rejects(failing(false));
  assert.equal(calls, 1);
  calls = 0;
  await assert.rejects(failing(true));
  assert.equal(calls, 4);
  calls = 0;
  const result = await withRetries(() => {
    if (++calls < 10) throw new HttpError("no", { retryable: true });
    return Promise.resolve("there");
  }, { retries: 1, backoffMs: 1, hasProgress: () => true });
  assert.equal(result, "there");
});

Deno.test("an answer that is not read can be let go", async () => {
  await withServer(() => new Response("x".repeat(100_000)), async (url) => {
    const response = await httpGet(url);
    assert.equal(response.status, 200);
    await response[Symbol.asyncDispose]();
  });
});

Deno.test("a password in a URL is sent and never shown", async () => {
  assert.equal(showUrl("https://user:secret@e.org/x"), "https://e.org/x");
  await withServer(
    (request) => new Response("no", { status: request.headers.has("authorization") ? 403 : 401 }),
    async (url) => {
      await assert.rejects(fetchText(url.replace("//", "//user:secret@"), once), (error: Error) => {
        assert.match(error.message, /answered 403/);
        assert.ok(!error.message.includes("secret"));
        return true;
      });
    },
  );
});
