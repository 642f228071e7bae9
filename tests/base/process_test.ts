import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { CancelledError, exitCode, HostError, PimError } from "../../lib/errors.ts";
import { configureLog, hideSecret } from "../../lib/log.ts";
import { formatArgv, pipe, ProcessError, run, start, which } from "../../lib/process.ts";
import { tempDir } from "./temp.ts";

Deno.test("run returns what a program wrote and its status", async () => {
  const result = await run(["sh", "-c", "echo out; echo err >&2; exit 3"], { okStatus: [0, 3] });
  assert.deepEqual(result, { code: 3, stdout: "out\n", stderr: "err\n" });
});

Deno.test("run hands its input over whole, however much it is, while output comes back", async () => {
  const input = "0123456789abcdef".repeat(200_000);
  assert.equal((await run(["cat"], { stdin: input })).stdout, input);
});

Deno.test("a program may close its input early", async () => {
  assert.equal((await run(["true"], { stdin: "x".repeat(1_000_000) })).code, 0);
});

Deno.test("words reach the program as they are: no shell reads them", async () => {
  const { stdout } = await run(["printf", "%s|", "a b", "$HOME", "`id`", "*", ";", ""]);
  assert.equal(stdout, "a b|$HOME|`id`|*|;||");
});

Deno.test("a program sees only the few variables that are passed on, and those of the caller", async () => {
  Deno.env.set("PIM_TEST_STRAY", "stray");
  try {
    const { stdout } = await run(["env"], { env: { PIM_PROFILE: "demo" } });
    assert.match(stdout, /^PIM_PROFILE=demo$/m);
    assert.match(stdout, /^LC_ALL=C\.UTF-8$/m);
    assert.match(stdout, /^PATH=/m);
    assert.doesNotMatch(stdout, /stray/);
  } finally {
    Deno.env.delete("PIM_TEST_STRAY");
  }
});

Deno.test("a failing program gives an error with its argv, its status and the end of its stderr", async () => {
  const argv = ["sh", "-c", "seq 1 50 >&2; exit 4"];
  const error = await run(argv).then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof ProcessError);
  assert.deepEqual(error.argv, argv);
  assert.equal(error.status, 4);
  assert.match(error.stderr, /^1\n/);
  assert.match(error.message, /^sh exited with 4: 41\n/);
  assert.match(error.message, /\n50$/);
  assert.equal(error.hint, "It was started as: sh -c 'seq 1 50 >&2; exit 4'");
});

Deno.test("a program that Ctrl-C ended before pim knew of it is cancelled, not failed", async () => {
  const stop = new AbortController();
  const ended = run(["sh", "-c", "kill -INT $$"], { signal: stop.signal });
  setTimeout(() => stop.abort(), 30);
  await assert.rejects(ended, CancelledError);
});

Deno.test("a program ended by a signal is named with the signal, and a silent one is said to be silent", async () => {
  await assert.rejects(run(["sh", "-c", "kill -9 $$"]), {
    name: "ProcessError",
    status: "SIGKILL",
    message: "sh was ended by SIGKILL and said nothing",
  });
});

Deno.test("a program that is not installed is the host's fault", async () => {
  const error = await run(["pim-no-such-program"]).then(() => undefined, (thrown) => thrown);
  assert.ok(error instanceof HostError);
  assert.equal(error.exitCode, exitCode.host);
  assert.equal(error.message, "pim-no-such-program is not installed or not on PATH");
});

Deno.test("a working directory that is not there is not taken for a missing program", async () => {
  await assert.rejects(run(["true"], { cwd: "/no/such/folder" }), (error: Error) => {
    assert.ok(error instanceof PimError);
    assert.match(error.message, /^Cannot start true: .*\/no\/such\/folder/);
    return true;
  });
});

Deno.test("aborting ends the program at once", async () => {
  const began = performance.now();
  await assert.rejects(run(["sleep", "60"], { signal: AbortSignal.timeout(100) }), CancelledError);
  assert.ok(performance.now() - began < 5_000);
  await assert.rejects(run(["true"], { signal: AbortSignal.abort() }), CancelledError);
});

Deno.test("secrets show neither in the log of programs nor in their errors", async () => {
  const secret = "it's $3cret/a";
  hideSecret(secret);
  const lines: string[] = [];
  configureLog({ level: "debug", write: (line) => lines.push(line) });
  const failing = run(["sh", "-c", 'echo "got $1" >&2; exit 1', "sh", secret]);
  const error = await failing.then(() => undefined, (thrown) => thrown);
  configureLog({ level: "info" });
  assert.ok(error instanceof ProcessError);
  for (const text of [error.message, error.hint ?? "", ...lines]) assert.doesNotMatch(text, /3cret/);
  assert.equal(error.message, "sh exited with 1: got ***");
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? "", /^\+ sh -c /);
});

Deno.test("start gives each line of stdout, the last one without an end too, and keeps stderr", async () => {
  const lines: string[] = [];
  const running = start(["sh", "-c", "printf 'one\\r\\ntwo\\nthree'; echo why >&2; exit 2"], {
    onStdout: (line) => lines.push(line),
  });
  assert.deepEqual(await running.ended, { code: 2, signal: null });
  assert.deepEqual(lines, ["one", "two", "three"]);
  assert.equal(running.stderr(), "why\n");
  running.kill(); // it has ended: nothing happens
});

Deno.test("start can hand over stdout as it comes, before a line ends", async () => {
  let seen = "";
  const { promise, resolve } = Promise.withResolvers<void>();
  const running = start(["sh", "-c", "printf '10%%'; exec sleep 60"], {
    onStdoutText: (text) => {
      seen += text;
      resolve();
    },
  });
  await promise;
  assert.equal(seen, "10%");
  running.kill();
  assert.equal((await running.ended).signal, "SIGTERM");
});

Deno.test("start hands over its input, and a program that asks twice gets both answers", async () => {
  const lines: string[] = [];
  const asking = 'read -r one; echo "1 $one"; read -r two; echo "2 $two"; read -r three || echo end';
  const child = start(["sh", "-c", asking], { stdin: "y\nn\n", onStdout: (line) => lines.push(line) });
  assert.equal((await child.ended).code, 0);
  assert.deepEqual(lines, ["1 y", "2 n", "end"]);
});

Deno.test("only the end of a talkative program's stderr is kept", async () => {
  const running = start(["sh", "-c", "seq 1 20000 >&2"]);
  await running.ended;
  assert.ok(running.stderr().length <= 16_384);
  assert.match(running.stderr(), /\n20000\n$/);
});

Deno.test("which finds programs on PATH and nothing else", async () => {
  assert.match(await which("sh") ?? "", /^\/.*\/sh$/);
  assert.equal(await which("pim-no-such-program"), undefined);
  await using dir = await tempDir({ "not-executable": "" });
  const path = Deno.env.get("PATH") ?? "";
  Deno.env.set("PATH", `${dir.path}:${path}`);
  try {
    assert.equal(await which("not-executable"), undefined);
  } finally {
    Deno.env.set("PATH", path);
  }
});

Deno.test("argv is shown as it could be pasted into a shell", async () => {
  const argv = ["qemu-img", "create", "-o", "a=b,c", "my disk", "it's", ""];
  assert.equal(formatArgv(argv), "qemu-img create -o a=b,c 'my disk' 'it'\\''s' ''");
  const { stdout } = await run(["sh", "-c", `printf '%s|' ${formatArgv(argv)}`]);
  assert.equal(stdout, argv.map((word) => `${word}|`).join(""));
});

Deno.test("bytes flow through a program unchanged, however many", async () => {
  const block = crypto.getRandomValues(new Uint8Array(60_000));
  async function* blocks(): AsyncGenerator<Uint8Array> {
    for (let count = 0; count < 50; count++) yield await Promise.resolve(block);
  }
  let bytes = 0;
  const hash = createHash("sha256");
  await pipe(["cat"], {
    stdin: blocks(),
    onStdout(piece) {
      bytes += piece.length;
      hash.update(piece);
    },
  });
  assert.equal(bytes, 50 * block.length);
  const expected = createHash("sha256");
  for (let count = 0; count < 50; count++) expected.update(block);
  assert.equal(hash.digest("hex"), expected.digest("hex"));
});

Deno.test("a program that wants no more of its input fails with its own status and words", async () => {
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) yield await Promise.resolve(new Uint8Array(65_536));
  }
  await assert.rejects(
    pipe(["sh", "-c", "head -c 10 >/dev/null; echo full >&2; exit 4"], { stdin: endless() }),
    (error: unknown) => error instanceof ProcessError && error.status === 4 && /full/.test(error.stderr),
  );
});

Deno.test("input that cannot be read to its end does not pass for a whole", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "whole");
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(new Uint8Array(10));
    throw new PimError("the disk is gone");
  }
  const script = 'cat >/dev/null && touch "$0"';
  await assert.rejects(pipe(["sh", "-c", script, file], { stdin: broken() }), /the disk is gone/);
  await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
});

Deno.test("why input cannot be read is told, although the program has ended before", async () => {
  // deno-lint-ignore require-yield
  async function* broken(): AsyncGenerator<Uint8Array> {
    await new Promise((resolve) => setTimeout(resolve, 300));
    throw new PimError("the disk is gone");
  }
  await assert.rejects(pipe(["true"], { stdin: broken() }), /the disk is gone/);
});
