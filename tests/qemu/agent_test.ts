import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAgent } from "../../lib/qemu/agent.ts";
import {
  addAuthorizedKeys,
  agentCommands,
  freezeFilesystems,
  guestHostName,
  guestInterfaces,
  guestOs,
  guestUsers,
  setGuestTime,
  shutdownGuest,
  thawFilesystems,
} from "../../lib/qemu/agent_commands.ts";
import {
  QmpClosedError,
  QmpCommandError,
  QmpProtocolError,
  QmpTimeoutError,
} from "../../lib/qemu/qmp_error.ts";
import { agentServer, delimited, next, synchronize } from "./agent_server.ts";
import { fakeServer } from "./fake_server.ts";

Deno.test("the agent client comes in step past stale answers, garbage and half a line", async () => {
  await using server = await fakeServer(async (peer) => {
    const request = await next(peer);
    const id = request.arguments.id;
    await peer.write('n": {}}\n{"return": 5}\n');
    await peer.write(delimited('{"return": 1}')); // Of a client before us.
    await peer.write(`{"return": ${id}}\n{"return": "half`); // Our number, but no sentinel before it.
    await peer.write(delimited(`{"return": ${id}}`));
    assert.equal((await next(peer)).execute, "guest-ping");
    await peer.write('{"return": {"pong": true}}\n');
  });
  await using agent = await connectAgent(server.path);
  assert.deepEqual(await agent.execute("guest-ping"), { pong: true });
});

Deno.test("an agent that comes up late is asked again", async () => {
  await using server = await fakeServer(async (peer) => {
    await next(peer); // Lost: the guest's end was not open yet.
    await synchronize(peer);
    await next(peer);
    await peer.write('{"return": "here"}\n');
  });
  await using agent = await connectAgent(server.path, { timeoutMs: 5000 });
  assert.equal(await agent.execute("guest-info"), "here");
});

Deno.test("an agent that never answers is given up in time, with a hint", async () => {
  await using server = await fakeServer(async (peer) => {
    await next(peer);
    await next(peer);
  });
  await assert.rejects(connectAgent(server.path, { timeoutMs: 60 }), (error) => {
    assert(error instanceof QmpTimeoutError);
    assert.equal(error.message, "The guest agent did not answer within 60 ms");
    assert.match(error.hint ?? "", /qemu-guest-agent installed/);
    return true;
  });
});

Deno.test("the late answer to a command that was given up is not taken for the next one's", async () => {
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer); // Not answered in time.
    const again = await next(peer);
    await peer.write('{"return": "late"}\n');
    await peer.write(delimited(`{"return": ${again.arguments.id}}`));
    await next(peer);
    await peer.write('{"return": "right"}\n');
  });
  await using agent = await connectAgent(server.path);
  await assert.rejects(agent.execute("slow", {}, { timeoutMs: 30 }), QmpTimeoutError);
  assert.equal(await agent.execute("next"), "right");
});

Deno.test("commands given at once are sent one after the other", async () => {
  const early: unknown[] = [];
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    let request = next(peer);
    for (;;) {
      const { execute } = await request;
      request = next(peer);
      const sooner = await Promise.race([request, sleep(20)]);
      if (sooner) early.push(sooner);
      await peer.write(`{"return": "${execute}"}\n`);
    }
  });
  await using agent = await connectAgent(server.path);
  assert.deepEqual(await Promise.all([agent.execute("a"), agent.execute("b"), agent.execute("c")]), [
    "a",
    "b",
    "c",
  ]);
  assert.deepEqual(early, []);
});

Deno.test("an error of the agent carries its description, and the client goes on", async () => {
  await using server = await agentServer((request) =>
    request.execute === "bad" ? { error: { class: "GenericError", desc: "no such thing" } } : { return: 1 }
  );
  await using agent = await connectAgent(server.path);
  await assert.rejects(agent.execute("bad"), (error) => {
    assert(error instanceof QmpCommandError);
    assert.equal(error.message, "bad failed: no such thing");
    return true;
  });
  assert.equal(await agent.execute("good"), 1);
});

Deno.test("garbage in place of an answer is an error, and the client comes in step again", async () => {
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    await peer.write("login: \n");
    await synchronize(peer);
    await next(peer);
    await peer.write('{"return": 2}\n');
  });
  await using agent = await connectAgent(server.path);
  await assert.rejects(agent.execute("one"), QmpProtocolError);
  assert.equal(await agent.execute("two"), 2);
});

Deno.test("the end of the connection rejects the command that waits", async () => {
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    peer.close();
  });
  await using agent = await connectAgent(server.path);
  await assert.rejects(agent.execute("one"), QmpClosedError);
  await assert.rejects(agent.execute("two"), QmpClosedError);
});

Deno.test("powering off waits for no answer, but tells of a refusal", async () => {
  const asked: unknown[] = [];
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    asked.push((await next(peer)).arguments);
    peer.close(); // The guest is gone.
    await synchronize(peer);
  });
  await using agent = await connectAgent(server.path);
  await shutdownGuest(agent);
  assert.deepEqual(asked, [{ mode: "powerdown" }]);

  // What qemu-ga 7.2 says when systemd, already powering off, ends its `shutdown` before itself.
  const killed = { class: "GenericError", desc: "child process has terminated abnormally" };
  await using late = await agentServer(() => ({ error: killed }));
  await using obeying = await connectAgent(late.path);
  await shutdownGuest(obeying);

  await using refusing = await agentServer(() => ({ error: { class: "GenericError", desc: "not allowed" } }));
  await using other = await connectAgent(refusing.path);
  await assert.rejects(shutdownGuest(other, { mode: "reboot" }), /not allowed/);
});

Deno.test("freezing and thawing return how many file systems it was", async () => {
  await using server = await agentServer(({ execute }) => ({ return: execute.endsWith("freeze") ? 2 : 3 }));
  await using agent = await connectAgent(server.path);
  assert.equal(await freezeFilesystems(agent), 2);
  assert.equal(await thawFilesystems(agent), 3);
});

Deno.test("system and addresses are typed, and a malformed answer is named", async () => {
  await using server = await agentServer(({ execute }) => ({
    return: execute === "guest-get-osinfo"
      ? {
        id: "debian",
        "pretty-name": "Debian GNU/Linux 12 (bookworm)",
        "version-id": "12",
        machine: "x86_64",
      }
      : [
        { name: "lo" },
        {
          name: "enp0s2",
          "hardware-address": "52:54:00:12:34:56",
          "ip-addresses": [{ "ip-address": "10.0.2.15", "ip-address-type": "ipv4", prefix: 24 }],
        },
      ],
  }));
  await using agent = await connectAgent(server.path);
  const os = await guestOs(agent);
  assert.deepEqual([os.id, os.versionId, os.prettyName], ["debian", "12", "Debian GNU/Linux 12 (bookworm)"]);
  const [loopback, card] = await guestInterfaces(agent);
  assert.deepEqual(loopback?.addresses, []);
  assert.deepEqual(card?.addresses, [{ address: "10.0.2.15", family: "ipv4", prefix: 24 }]);

  await using odd = await agentServer(() => ({ return: { id: 12 } }));
  await using other = await connectAgent(odd.path);
  await assert.rejects(guestOs(other), /answer to guest-get-osinfo is malformed/);
});

Deno.test("the guest's time and a user's keys are set as the agent wants them told", async () => {
  const asked: unknown[] = [];
  await using server = await agentServer((request) => {
    asked.push([request.execute, request.arguments]);
    return request.arguments.username === "bob"
      ? { error: { class: "GenericError", desc: "failed to get user" } }
      : { return: {} };
  });
  await using agent = await connectAgent(server.path);
  await setGuestTime(agent, 1_795_417_235_392);
  await addAuthorizedKeys(agent, "ada", ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"]);
  assert.deepEqual(asked, [
    ["guest-set-time", { time: 1_795_417_235_392_000_000 }],
    ["guest-ssh-add-authorized-keys", {
      username: "ada",
      keys: ["ssh-ed25519 AAAA one", "ssh-ed25519 BBBB two"],
    }],
  ]);
  await assert.rejects(addAuthorizedKeys(agent, "bob", []), /failed to get user/);
});

Deno.test("host name, users and commands are typed", async () => {
  const answers: Record<string, unknown> = {
    "guest-get-host-name": { "host-name": "demo" },
    "guest-get-users": [{ user: "ada", "login-time": 1700000000.5 }],
    "guest-info": {
      version: "7.2.0",
      supported_commands: [
        { name: "guest-ping", enabled: true, "success-response": true },
        { name: "guest-exec", enabled: false, "success-response": true },
      ],
    },
  };
  await using server = await agentServer(({ execute }) => ({ return: answers[execute] }));
  await using agent = await connectAgent(server.path);
  assert.equal(await guestHostName(agent), "demo");
  assert.deepEqual(await guestUsers(agent), [{ name: "ada", loginMs: 1_700_000_000_500 }]);
  assert.deepEqual(await agentCommands(agent), [
    { name: "guest-exec", enabled: false },
    { name: "guest-ping", enabled: true },
  ]);
});

Deno.test("an answer of 20 MiB arrives whole, even when that takes longer than an answer may", async () => {
  const text = "x".repeat(20 * 1024 * 1024);
  const answer = new TextEncoder().encode(`{"return": "${text}"}\n`);
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    for (let start = 0; start < answer.length; start += 4 * 1024 * 1024) {
      await peer.write(answer.subarray(start, start + 4 * 1024 * 1024));
      await sleep(80);
    }
  });
  await using agent = await connectAgent(server.path);
  assert.equal(await agent.execute("big", {}, { timeoutMs: 250 }), text);
});

Deno.test("an answer that stops halfway is given up in time", async () => {
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    await peer.write('{"return": "half');
    await next(peer);
  });
  await using agent = await connectAgent(server.path);
  await assert.rejects(agent.execute("slow", {}, { timeoutMs: 50 }), QmpTimeoutError);
});

Deno.test("a guest that floods its channel can neither fill the memory nor delay the deadline", async () => {
  await using endless = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    for (;;) await peer.write("x".repeat(65536));
  });
  await using agent = await connectAgent(endless.path, { maxLineBytes: 200_000 });
  await assert.rejects(agent.execute("one"), /longer than 200000 bytes/);

  await using noisy = await fakeServer(async (peer) => {
    for (;;) await peer.write('{"return": 1}\n'.repeat(5000));
  });
  const startMs = performance.now();
  await assert.rejects(connectAgent(noisy.path, { timeoutMs: 100 }), QmpTimeoutError);
  assert(performance.now() - startMs < 20_000);
});

Deno.test("what is no UTF-8 in an answer does no harm", async () => {
  await using server = await fakeServer(async (peer) => {
    await synchronize(peer);
    await next(peer);
    await peer.write(
      new Uint8Array([...new TextEncoder().encode('{"return": "'), 0xc3, 0x28, 0x22, 0x7d, 0x0a]),
    );
  });
  await using agent = await connectAgent(server.path);
  assert.equal(await agent.execute("odd"), "\ufffd(");
});
