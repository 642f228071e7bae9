import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, exitCode, PimError } from "../../../lib/errors.ts";
import { run } from "../../../lib/process.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { waitForSsh, type WaitStage } from "../../../lib/ssh/wait.ts";
import { freePort, type Sshd, startSshd } from "../../ssh/sshd.ts";

const host = "127.0.0.1";

Deno.test("sshd that starts late is logged in to", async () => {
  const port = freePort();
  const key = await generateKeyPair("late");
  const stages: WaitStage[] = [];
  const late = sleep(1_000).then(() => startSshd({ port, key }));
  const waiting = waitForSsh({
    host,
    port,
    username: (await run(["id", "-un"])).stdout.trim(),
    auth: [{ privateKey: key.privateKey }],
    deadlineMs: 20_000,
    onStage: (stage) => stages.push(stage),
  });
  await using _sshd = await late;
  await using session = await waiting;
  assert.equal((await session.exec("echo in")).stdout, "in\n");
  assert.deepEqual(stages, ["waiting for the port", "port open", "SSH banner", "logged in"]);
});

Deno.test("a forward that swallowed the first connections does not keep from logging in", async () => {
  await using sshd = await startSshd();
  // As QEMU's user network does: it accepts at once, and what was accepted early stays silent.
  using forward = Deno.listen({ hostname: host, port: 0 });
  const silent: Deno.Conn[] = [];
  const readyMs = performance.now() + 1_000;
  const serving = (async () => {
    for await (const connection of forward) {
      if (performance.now() < readyMs) silent.push(connection);
      else join(connection, sshd);
    }
  })();
  {
    await using session = await waitForSsh({
      host,
      port: forward.addr.port,
      username: sshd.username,
      auth: [{ privateKey: sshd.key.privateKey }],
      deadlineMs: 20_000,
    });
    assert.equal((await session.exec("echo in")).stdout, "in\n");
  }
  assert(silent.length <= 5, `${silent.length} connections`);
  forward.close();
  for (const connection of silent) connection.close();
  await serving;
});

async function join(near: Deno.Conn, sshd: Sshd): Promise<void> {
  const far = await Deno.connect({ hostname: host, port: sshd.port });
  await Promise.allSettled([near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)]);
}

Deno.test("a key that appears late is let in", async () => {
  await using sshd = await startSshd({ allowed: false });
  const stages: WaitStage[] = [];
  await using session = await waitForSsh({
    host,
    port: sshd.port,
    username: sshd.username,
    auth: [{ privateKey: sshd.key.privateKey }],
    deadlineMs: 20_000,
    onStage(stage) {
      stages.push(stage);
      if (stage === "login refused") sshd.allow(sshd.key.publicKey);
    },
  });
  assert.equal((await session.exec("echo in")).stdout, "in\n");
  assert.deepEqual(stages.slice(-2), ["login refused", "logged in"]);
});

Deno.test("a login that stays refused ends with the user and the methods, before the deadline", async () => {
  await using sshd = await startSshd({ allowed: false });
  await assert.rejects(
    waitForSsh({
      host,
      port: sshd.port,
      username: sshd.username,
      auth: [{ privateKey: sshd.key.privateKey }],
      deadlineMs: 20_000,
      refusedGraceMs: 500,
    }),
    (error: unknown) => {
      assert(error instanceof SshError);
      assert.equal(error.kind, "auth");
      assert.equal(error.exitCode, exitCode.timeout);
      assert.match(error.message, new RegExp(`login as ${sshd.username}@.* was refused \\(tried: key\\)`));
      return true;
    },
  );
});

Deno.test("at the deadline the error names the stage that was reached", async () => {
  using silent = Deno.listen({ hostname: host, port: 0 });
  const connections: Deno.Conn[] = [];
  const serving = (async () => {
    for await (const connection of silent) connections.push(connection);
  })();
  const cases: [number, RegExp][] = [
    [freePort(), /No SSH login as u@127\.0\.0\.1:\d+ within 0\.4 s: nothing answered on the port/],
    [silent.addr.port, /within 0\.4 s: the port was open, but no SSH server answered/],
  ];
  for (const [port, message] of cases) {
    await assert.rejects(
      waitForSsh({ host, port, username: "u", auth: [{ password: "p" }], deadlineMs: 400 }),
      (error: unknown) => {
        assert(error instanceof SshError);
        assert.equal(error.exitCode, exitCode.timeout);
        assert.equal(error.kind, "timeout");
        assert.match(error.message, message);
        assert(error.hint);
        return true;
      },
    );
  }
  silent.close();
  await serving;
  for (const connection of connections) connection.close();
});

Deno.test("waiting stops at once when it is cancelled, with the reason that was given", async () => {
  const options = { host, username: "u", auth: [{ password: "p" }], deadlineMs: 20_000 };
  const controller = new AbortController();
  const waiting = waitForSsh({ ...options, port: freePort(), signal: controller.signal });
  await sleep(50);
  const reason = new PimError("QEMU died: no such drive");
  controller.abort(reason);
  await assert.rejects(waiting, reason);
  await assert.rejects(
    waitForSsh({ ...options, port: freePort(), signal: AbortSignal.abort() }),
    CancelledError,
  );
});

Deno.test("a host key that is not the pinned one ends the waiting at once", async () => {
  await using sshd = await startSshd();
  await assert.rejects(
    waitForSsh({
      host,
      port: sshd.port,
      username: sshd.username,
      auth: [{ privateKey: sshd.key.privateKey }],
      hostKey: "SHA256:other",
      deadlineMs: 20_000,
    }),
    (error: unknown) => error instanceof SshError && error.kind === "host-key",
  );
});
