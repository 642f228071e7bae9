import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../lib/errors.ts";
import { connectQmp } from "../../lib/qemu/qmp.ts";
import {
  QmpClosedError,
  QmpCommandError,
  QmpError,
  QmpProtocolError,
  QmpTimeoutError,
} from "../../lib/qemu/qmp_error.ts";
import { type FakePeer, fakeServer } from "./fake_server.ts";

const greeting = JSON.stringify({
  QMP: { version: { qemu: { major: 8, minor: 2, micro: 1 }, package: "" }, capabilities: ["oob"] },
});
const stop = '{"event": "STOP", "timestamp": {"seconds": 12, "microseconds": 345000}}';

/** Greets and takes the capabilities as QEMU does. */
async function welcome(peer: FakePeer): Promise<void> {
  await peer.write(greeting + "\r\n");
  const request = await peer.request();
  assert.equal(request?.execute, "qmp_capabilities");
  await peer.write(JSON.stringify({ return: {}, id: request?.id }) + "\r\n");
}

Deno.test("the client takes the greeting, negotiates and returns what a command returned", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    const request = await peer.request();
    await peer.write(JSON.stringify({ return: { got: request }, id: request?.id }) + "\n");
  });
  await using qmp = await connectQmp(server.path);
  assert.equal(qmp.version, "8.2.1");
  const { got } = await qmp.execute("device_del", { id: "nic0" }) as { got: Record<string, unknown> };
  assert.equal(got.execute, "device_del");
  assert.deepEqual(got.arguments, { id: "nic0" });
});

Deno.test("messages may come split in any place and several at once", async () => {
  await using server = await fakeServer(async (peer) => {
    await peer.write(greeting.slice(0, 20));
    await sleep(5);
    await peer.write(greeting.slice(20) + "\n");
    const capabilities = await peer.request();
    const first = peer.request();
    await peer.write(`{"return": {}, "id": "${capabilities?.id}"}\n${stop}\n${stop}\n`);
    const answer = new TextEncoder().encode(`{"return": "Grüße", "id": "${(await first)?.id}"}\n`);
    const middle = answer.indexOf(0xc3) + 1; // Between the two bytes of ü.
    await peer.write(answer.subarray(0, middle));
    await sleep(5);
    await peer.write(answer.subarray(middle));
  });
  await using qmp = await connectQmp(server.path);
  assert.equal(await qmp.execute("query-name"), "Grüße");
});

Deno.test("an event that comes while QEMU takes the connection does not stand for the greeting", async () => {
  await using server = await fakeServer(async (peer) => {
    await peer.write(`${stop}\n`);
    await welcome(peer);
  });
  await using qmp = await connectQmp(server.path);
  assert.equal(qmp.version, "8.2.1");
});

Deno.test("answers find their commands by id, whatever their order", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    const [one, two] = [await peer.request(), await peer.request()];
    await peer.write(`{"return": "${two?.execute}", "id": "${two?.id}"}\n${stop}\n`);
    await peer.write(`{"return": "${one?.execute}", "id": "${one?.id}"}\n`);
  });
  await using qmp = await connectQmp(server.path);
  assert.deepEqual(await Promise.all([qmp.execute("first"), qmp.execute("second")]), ["first", "second"]);
});

Deno.test("every listener has its own queue of the events it wants", async () => {
  const go = Promise.withResolvers<void>();
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await go.promise;
    await peer.write(`${stop}\n${stop.replace("STOP", "RESUME")}\n`);
    peer.close();
  });
  await using qmp = await connectQmp(server.path);
  const all = qmp.events();
  const some = qmp.events(["RESUME"]);
  go.resolve();
  const seen: string[] = [];
  for await (const event of some) seen.push(event.event);
  for await (const event of all) seen.push(`${event.event} ${event.timeMs}`);
  assert.deepEqual(seen, ["RESUME", "STOP 12345", "RESUME 12345"]);
});

Deno.test("leaving a loop over events ends that listener only", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    for (let request = await peer.request(); request; request = await peer.request()) {
      await peer.write(`${stop}\n{"return": {}, "id": "${request.id}"}\n`);
    }
  });
  await using qmp = await connectQmp(server.path);
  const events = qmp.events();
  await qmp.execute("stop");
  for await (const event of events) {
    assert.equal(event.event, "STOP");
    break;
  }
  await qmp.execute("stop");
  assert.equal((await events.next()).done, true);
});

Deno.test("an error answer becomes a QmpCommandError with its class and description", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    const request = await peer.request();
    const error = { class: "CommandNotFound", desc: "The command foo has not been found" };
    await peer.write(JSON.stringify({ error, id: request?.id }) + "\n");
  });
  await using qmp = await connectQmp(server.path);
  await assert.rejects(qmp.execute("foo"), (error) => {
    assert(error instanceof QmpCommandError && error instanceof QmpError);
    assert.equal(error.errorClass, "CommandNotFound");
    assert.equal(error.message, "foo failed: The command foo has not been found");
    return true;
  });
});

Deno.test("a command that is not answered in time fails, and its late answer disturbs nothing", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    const slow = await peer.request();
    const next = await peer.request();
    await peer.write(`{"return": "late", "id": "${slow?.id}"}\n{"return": "now", "id": "${next?.id}"}\n`);
  });
  await using qmp = await connectQmp(server.path);
  await assert.rejects(qmp.execute("slow", {}, { timeoutMs: 30 }), QmpTimeoutError);
  assert.equal(await qmp.execute("next"), "now");
});

Deno.test("aborting a signal ends the wait for an answer as cancelled", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await peer.request();
  });
  await using qmp = await connectQmp(server.path);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  await assert.rejects(qmp.execute("slow", {}, { signal: controller.signal }), CancelledError);
  await assert.rejects(qmp.execute("again", {}, { signal: controller.signal }), CancelledError);
});

Deno.test("the end of the connection rejects everything pending and all that comes after", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await peer.request();
    await peer.request();
    peer.close();
  });
  await using qmp = await connectQmp(server.path);
  const results = await Promise.allSettled([qmp.execute("one"), qmp.execute("two")]);
  for (const result of results) {
    assert.equal(result.status, "rejected");
    assert(result.status === "rejected" && result.reason instanceof QmpClosedError);
  }
  assert(await qmp.closed instanceof QmpClosedError);
  await assert.rejects(qmp.execute("three"), QmpClosedError);
  assert.equal((await qmp.events().next()).done, true);
});

Deno.test("disposing of the client rejects what is pending and ends the listeners", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await peer.request();
  });
  const qmp = await connectQmp(server.path);
  const pending = assert.rejects(qmp.execute("slow"), QmpClosedError);
  const next = qmp.events().next();
  await qmp[Symbol.asyncDispose]();
  await pending;
  assert.equal((await next).done, true);
});

for (
  const [what, line] of [
    ["no JSON", "HTTP/1.1 400 Bad Request"],
    ["no object", "[1, 2]"],
    ["neither answer nor event", '{"hello": 1}'],
    ["a malformed event", '{"event": 7}'],
    ["a malformed error", '{"error": "no", "id": "pim-2"}'],
  ]
) {
  Deno.test(`${what} ends the connection with a QmpProtocolError`, async () => {
    await using server = await fakeServer(async (peer) => {
      await welcome(peer);
      await peer.request();
      await peer.write(line + "\n");
      await peer.request();
    });
    await using qmp = await connectQmp(server.path);
    await assert.rejects(qmp.execute("query-status"), QmpProtocolError);
  });
}

Deno.test("a line that is too long ends the connection before it fills the memory", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await peer.request();
    for (;;) await peer.write("x".repeat(65536));
  });
  await using qmp = await connectQmp(server.path, { maxLineBytes: 200_000 });
  await assert.rejects(qmp.execute("query-status"), /longer than 200000 bytes/);
});

Deno.test("an answer of 20 MiB arrives whole, with an event before it", async () => {
  const text = "x".repeat(20 * 1024 * 1024);
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    const request = await peer.request();
    await peer.write(`${stop}\n{"return": "${text}", "id": "${request?.id}"}\n`);
  });
  await using qmp = await connectQmp(server.path);
  assert.equal(await qmp.execute("human-monitor-command"), text);
});

Deno.test("an endless answer that never ends its line is given up in time", async () => {
  await using server = await fakeServer(async (peer) => {
    await welcome(peer);
    await peer.request();
    for (;;) {
      await peer.write("x");
      await sleep(1);
    }
  });
  await using qmp = await connectQmp(server.path);
  await assert.rejects(qmp.execute("query-status", {}, { timeoutMs: 50 }), QmpTimeoutError);
});

Deno.test("a server that does not greet as QMP is refused at once", async () => {
  await using server = await fakeServer(async (peer) => {
    await peer.write('{"return": {}}\n');
    await peer.request();
  });
  await assert.rejects(connectQmp(server.path), /does not greet as QMP/);
});

Deno.test("a server that says nothing is given up, with the likely reason as a hint", async () => {
  await using server = await fakeServer(async (peer) => {
    await peer.request();
  });
  await assert.rejects(connectQmp(server.path, { timeoutMs: 50 }), (error) => {
    assert(error instanceof QmpTimeoutError);
    assert.match(error.hint ?? "", /another one connected/);
    return true;
  });
});

Deno.test("a socket that is not there is a QmpClosedError naming it", async () => {
  await assert.rejects(connectQmp("/nonexistent/qmp"), (error) => {
    assert(error instanceof QmpClosedError);
    assert.match(error.message, /^Cannot connect to \/nonexistent\/qmp: /);
    return true;
  });
});
