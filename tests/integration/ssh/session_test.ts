import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, PimError } from "../../../lib/errors.ts";
import { SshError } from "../../../lib/ssh/errors.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { connectSsh, type SshSession } from "../../../lib/ssh/session.ts";
import { freePort, type Sshd, startSshd } from "../../ssh/sshd.ts";

const host = "127.0.0.1";

function open(sshd: Sshd): Promise<SshSession> {
  const { port, username, key } = sshd;
  return connectSsh({ host, port, username, auth: [{ privateKey: key.privateKey }], timeoutMs: 10_000 });
}

const ofKind = (kind: SshError["kind"], text: RegExp) => (error: unknown): boolean => {
  assert(error instanceof SshError, String(error));
  assert.equal(error.kind, kind);
  assert.match(error.message, text);
  return true;
};

Deno.test("commands run after a login by key, with exit status, stdout and stderr apart", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  assert.equal(session.authenticatedBy, "key");
  assert.equal(session.username, sshd.username);
  assert.deepEqual(await session.exec("echo out; echo err >&2; exit 3"), {
    code: 3,
    stdout: "out\n",
    stderr: "err\n",
  });
  const killed = await session.exec("kill -KILL $$");
  assert.equal(killed.code, null);
  assert.equal(killed.signal, "KILL");
});

Deno.test("the exit status of the quickest command is not lost", async () => {
  // At this level bash leaves out ~/.bashrc, which could make its commands slow.
  await using sshd = await startSshd({ config: ["SetEnv SHLVL=2"] });
  await using session = await open(sshd);
  const codes: (number | null)[] = [];
  for (let n = 0; n < 150; n++) codes.push((await session.exec("exit 3")).code);
  assert.deepEqual(new Set(codes), new Set([3]));
});

Deno.test("output arrives while the command runs, and letters cut by a packet stay whole", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  const pieces: string[] = [];
  const result = session.exec("printf 'a\\303'; sleep 0.3; printf '\\244b'; sleep 0.3; echo e >&2", {
    onStdout: (text) => pieces.push(text),
    onStderr: (text) => pieces.push(`!${text}`),
  });
  while (pieces.length === 0) await sleep(5);
  assert.deepEqual(pieces, ["a"]);
  assert.equal((await result).stdout, "aäb");
  assert.deepEqual(pieces, ["a", "äb", "!e\n"]);
});

Deno.test("an error thrown by an output callback ends the command and reaches the caller", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  const thrown = new Error("no more, please");
  const onStdout = () => {
    throw thrown;
  };
  await assert.rejects(session.exec("echo a; sleep 60", { onStdout }), thrown);
});

Deno.test("standard input is sent whole and then closed", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  assert.equal((await session.exec("cat", { stdin: "über\n" })).stdout, "über\n");
  assert.equal((await session.exec("cat")).stdout, "");
  const block = randomBytes(100_000);
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 40; count++) yield await Promise.resolve(block);
  }
  const sum = await session.exec("sha256sum", { stdin: blocks() });
  const expected = createHash("sha256").update(Buffer.concat(Array(40).fill(block))).digest("hex");
  assert.equal(sum.stdout.split(" ")[0], expected);
  // A command that does not read its input ends all the same.
  assert.equal((await session.exec("exit 4", { stdin: blocks() })).code, 4);
});

Deno.test("only the end of a long output is kept", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  let seen = 0;
  const result = await session.exec("seq 1 200000", {
    keepChars: 1_000,
    onStdout: (text) => seen += text.length,
  });
  assert.equal(result.stdout.length, 1_000);
  assert(result.stdout.endsWith("\n199999\n200000\n"));
  assert.equal(seen, 1_288_895);
});

Deno.test("a command can have a terminal", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  assert.equal((await session.exec("test -t 1 && echo yes", { pty: true })).stdout.trim(), "yes");
  assert.equal((await session.exec("test -t 1 || echo no")).stdout.trim(), "no");
});

Deno.test("many commands run side by side over one connection", async () => {
  await using sshd = await startSshd({ config: ["MaxSessions 20"] });
  await using session = await open(sshd);
  const codes = await Promise.all(Array.from({ length: 10 }, (_, n) => session.exec(`exit ${n}`)));
  assert.deepEqual(codes.map(({ code }) => code), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("a command past its time is ended on the far side too", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  const file = join(sshd.folder, "pid");
  const started = performance.now();
  await assert.rejects(
    session.exec(`echo $$ > ${file}; exec sleep 60`, { timeoutMs: 1_500, pty: true }),
    ofKind("timeout", /sleep 60: it did not end within 1\.5 s/),
  );
  assert(performance.now() - started < 20_000);
  await gone(await Deno.readTextFile(file));
  assert.equal((await session.exec("echo alive")).stdout, "alive\n");
});

Deno.test("a cancelled command rejects at once with the reason and is ended on the far side", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  const file = join(sshd.folder, "pid");
  const controller = new AbortController();
  const { signal } = controller;
  const running = session.exec(`echo $$ > ${file}; echo up; exec sleep 60`, {
    signal,
    pty: true,
    onStdout: () => controller.abort(),
  });
  await assert.rejects(running, CancelledError);
  await gone(await Deno.readTextFile(file));
  const reason = new PimError("QEMU died");
  await assert.rejects(session.exec("true", { signal: AbortSignal.abort(reason) }), reason);
});

async function gone(pid: string): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    try {
      Deno.kill(Number(pid), "SIGCONT");
    } catch {
      return;
    }
    await sleep(10);
  }
  assert.fail(`process ${pid} still runs`);
}

Deno.test("a connection lost in the middle of a command is told at once", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  const started = performance.now();
  // The shell's parent is the sshd process of this connection.
  await assert.rejects(
    session.exec("kill -KILL $PPID; sleep 60"),
    ofKind("lost", /sleep 60: the SSH connection was lost/),
  );
  assert(performance.now() - started < 20_000);
  assert.equal((await session.closed)?.kind, "lost");
  await assert.rejects(session.exec("true"), ofKind("lost", /lost/));
  await assert.rejects(session.upload("x", "/tmp/never"), ofKind("lost", /lost/));
});

Deno.test("a session that is disposed of ends without a reason, and takes no more commands", async () => {
  await using sshd = await startSshd();
  const session = await open(sshd);
  await session[Symbol.asyncDispose]();
  assert.equal(await session.closed, undefined);
  await assert.rejects(session.exec("true"), ofKind("lost", /session is closed/));
  await session[Symbol.asyncDispose]();
});

const subsystems = {
  "over SFTP": ["Subsystem sftp internal-sftp"],
  "through cat where there is no SFTP": [],
};

for (const [how, config] of Object.entries(subsystems)) {
  Deno.test(`5 MB arrive unchanged ${how}, with their mode`, async () => {
    await using sshd = await startSshd({ config });
    await using session = await open(sshd);
    const content = randomBytes(5_000_000);
    const remote = join(sshd.folder, "it's here");
    await session.upload(content, remote, { mode: 0o750 });
    assert(Buffer.from(await Deno.readFile(remote)).equals(content));
    assert.equal((await Deno.stat(remote)).mode! & 0o7777, 0o750);
    // A local file, over one that is longer and has wider permissions.
    const local = join(sshd.folder, "local");
    await Deno.writeFile(local, content.subarray(0, 1_234_567));
    await session.upload({ path: local }, remote, { mode: 0o600 });
    assert(Buffer.from(await Deno.readFile(remote)).equals(content.subarray(0, 1_234_567)));
    assert.equal((await Deno.stat(remote)).mode! & 0o7777, 0o600);
    await session.upload("", remote);
    assert.equal((await Deno.stat(remote)).size, 0);
  });

  Deno.test(`an upload that the far side refuses names the path and the reason ${how}`, async () => {
    await using sshd = await startSshd({ config });
    await using session = await open(sshd);
    await assert.rejects(session.upload("x", join(sshd.folder, "none", "file")), (error: unknown) => {
      assert(error instanceof PimError);
      assert.match(error.message, /upload of .*none\/file: .*no such file/i);
      return true;
    });
    await assert.rejects(
      session.upload({ path: join(sshd.folder, "absent") }, join(sshd.folder, "f")),
      /Cannot read .*absent/,
    );
  });
}

Deno.test("the pinned host key is accepted, another is refused", async () => {
  await using sshd = await startSshd();
  const { port, username, key } = sshd;
  const options = { host, port, username, auth: [{ privateKey: key.privateKey }], timeoutMs: 10_000 };
  let hostKey: string;
  {
    await using session = await connectSsh(options);
    hostKey = session.hostKey;
  }
  assert.match(hostKey, /^SHA256:[A-Za-z0-9+/]{43}$/);
  await using _same = await connectSsh({ ...options, hostKey });
  await assert.rejects(
    connectSsh({ ...options, hostKey: `SHA256:${"A".repeat(43)}` }),
    ofKind("host-key", /not the expected SHA256:AAAA/),
  );
});

Deno.test("a key that is not known there is refused, and the next one tried", async () => {
  await using sshd = await startSshd();
  const { port, username, key } = sshd;
  const stranger = await generateKeyPair("stranger");
  const options = { host, port, username, timeoutMs: 10_000 };
  await assert.rejects(
    connectSsh({ ...options, auth: [{ privateKey: stranger.privateKey }, { password: "x" }] }),
    ofKind("auth", new RegExp(`login as ${username}@${host}:${port} was refused \\(tried: key`)),
  );
  const auth = [{ privateKey: stranger.privateKey }, { privateKey: key.privateKey }];
  await using session = await connectSsh({ ...options, auth });
  assert.equal((await session.exec("echo in")).stdout, "in\n");
});

Deno.test("a server that hangs up on a wrong key has refused the login", async () => {
  await using sshd = await startSshd({ allowed: false, config: ["MaxAuthTries 1"] });
  const { port, username, key } = sshd;
  await assert.rejects(
    connectSsh({ host, port, username, auth: [{ privateKey: key.privateKey }], timeoutMs: 10_000 }),
    ofKind("auth", /tried: key/),
  );
});

Deno.test("the status of a command that takes its own connection down is not lost", async () => {
  await using sshd = await startSshd();
  await using session = await open(sshd);
  // As around a reboot: the exit is reported, something keeps the channel open, and the connection goes.
  const result = await session.exec("(sleep 0.3; kill -KILL $PPID; sleep 1) & exit 5");
  assert.equal(result.code, 5);
});

Deno.test("a private key that is none is a usage error", async () => {
  await using sshd = await startSshd();
  const { port, username } = sshd;
  await assert.rejects(
    connectSsh({ host, port, username, auth: [{ privateKey: "nonsense" }], timeoutMs: 5_000 }),
    /private key cannot be read/,
  );
});

Deno.test("a closed port is told from one that accepts and says nothing", async () => {
  const options = { host, username: "u", auth: [{ password: "p" }], timeoutMs: 300 };
  await assert.rejects(connectSsh({ ...options, port: freePort() }), ofKind("refused", /Cannot connect/));
  using listener = Deno.listen({ hostname: host, port: 0 });
  const accepted = listener.accept();
  const started = performance.now();
  await assert.rejects(
    connectSsh({ ...options, port: listener.addr.port }),
    ofKind("no-banner", /accepts connections, but no SSH server/),
  );
  assert(performance.now() - started < 10_000);
  (await accepted).close();
});

Deno.test("a port that closes or talks something else is no SSH server", async () => {
  for (const [answer, text] of [["", /closed/], ["x".repeat(20_000), /not an SSH server/]] as const) {
    using listener = Deno.listen({ hostname: host, port: 0 });
    const served = listener.accept().then(async (connection) => {
      await connection.write(new TextEncoder().encode(answer)).catch(() => {});
      connection.close();
    });
    await assert.rejects(
      connectSsh({
        host,
        port: listener.addr.port,
        username: "u",
        auth: [{ password: "p" }],
        timeoutMs: 5_000,
      }),
      ofKind("no-banner", text),
    );
    await served;
  }
});

Deno.test("a server that stops after its banner runs into the time limit", async () => {
  using listener = Deno.listen({ hostname: host, port: 0 });
  const served = listener.accept().then(async (connection) => {
    await connection.write(new TextEncoder().encode("welcome\r\nSSH-2.0-silence\r\n"));
    return connection;
  });
  await assert.rejects(
    connectSsh({
      host,
      port: listener.addr.port,
      username: "u",
      auth: [{ password: "p" }],
      timeoutMs: 300,
    }),
    ofKind("timeout", /No SSH login as u@/),
  );
  (await served).close();
});

Deno.test("connecting can be cancelled", async () => {
  using listener = Deno.listen({ hostname: host, port: 0 });
  const accepted = listener.accept();
  const controller = new AbortController();
  const connecting = connectSsh({
    host,
    port: listener.addr.port,
    username: "u",
    auth: [{ password: "p" }],
    timeoutMs: 10_000,
    signal: controller.signal,
  });
  const connection = await accepted;
  controller.abort();
  await assert.rejects(connecting, CancelledError);
  connection.close();
});
