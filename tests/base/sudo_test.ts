import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCode, PimError } from "../../lib/errors.ts";
import { run, start, which } from "../../lib/process.ts";
import { connectUnix, signalProcess, sudoArgv } from "../../lib/sudo.ts";
import { passedEnvironment } from "../demo/environment.ts";
import { fakeServer } from "../qemu/fake_server.ts";
import { tempDir } from "./temp.ts";

const program = fileURLToPath(new URL("use_sudo.ts", import.meta.url));

interface Outcome {
  readonly done?: unknown;
  readonly failed?: Readonly<Record<"name" | "message" | "hint" | "cause", string>> & {
    readonly exitCode: number;
  };
}

/** Does something with lib/sudo.ts in a process of its own, with the stand-in first on PATH. */
async function use(
  sudo: StandIn,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const argv = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", program, ...args];
  return outcomeOf((await run(argv, { env: { ...sudo.env, ...env } })).stdout);
}

function outcomeOf(stdout: string): Outcome {
  const line = stdout.split(/\r?\n/).findLast((each) => each.startsWith("{"));
  assert(line !== undefined, stdout);
  return JSON.parse(line);
}

interface StandIn extends AsyncDisposable {
  readonly path: string;
  /** The environment in which it is found. */
  readonly env: Record<string, string>;
  /** What it was called with so far. */
  argvs(): Promise<string[]>;
}

/** A stand-in for sudo, which everybody may call: it writes down its argv and then does what this text says. */
async function standIn(does: string): Promise<StandIn> {
  const folder = await tempDir({ argvs: "" });
  const { path } = folder;
  const sudo = await folder.write("sudo", `#!/bin/sh\nhere=${path}\necho "$*" >> $here/argvs\n${does}\n`);
  await Deno.chmod(sudo, 0o755);
  await Deno.chmod(join(path, "argvs"), 0o666);
  await Deno.chmod(path, 0o755);
  return {
    path,
    env: { ...passedEnvironment(), PATH: `${path}:${Deno.env.get("PATH")}` },
    argvs: async () => (await Deno.readTextFile(join(path, "argvs"))).split("\n").slice(0, -1),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const wantsPassword = "echo 'sudo: a password is required' >&2; exit 1";

Deno.test("a program that has to be root's gets sudo before it, which never asks and ends its own options", () => {
  assert.deepEqual(sudoArgv(["qemu", "-n"]), ["sudo", "-n", "--", "qemu", "-n"]);
});

Deno.test({
  name: "who is root needs no sudo, and who is not runs a program through it",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using sudo = await standIn("exit 0");
    assert.deepEqual(await use(sudo, ["become", "It writes to a disk", "wipefs"]), { done: ["wipefs"] });
    assert.deepEqual(await sudo.argvs(), []);
    const user = { PIM_TEST_UID: "65534" };
    assert.deepEqual(await use(sudo, ["become", "It writes to a disk", "wipefs"], user), {
      done: ["sudo", "-n", "--", "wipefs"],
    });
    assert.deepEqual(await sudo.argvs(), ["-n -v"]);
  },
});

Deno.test("sudo that needs no password is not made to ask", async () => {
  await using sudo = await standIn("exit 0");
  assert.deepEqual(await use(sudo, ["ask", "QEMU has to run as root"]), { done: "asked" });
  assert.deepEqual(await sudo.argvs(), ["-n -v"]);
});

Deno.test("sudo that needs a password where there is no terminal is the host's fault", async () => {
  await using sudo = await standIn(wantsPassword);
  const { failed } = await use(sudo, ["ask", "QEMU has to run as root"]);
  assert.equal(failed?.exitCode, exitCode.host);
  assert.match(
    failed.message,
    /^QEMU has to run as root, but sudo wants a password and there is no terminal/,
  );
  assert.match(failed.hint, /in a terminal/);
  assert.deepEqual(await sudo.argvs(), ["-n -v"]);
});

// script(1) gives a program a terminal; a Mac's takes other options.
const noTerminal = Deno.build.os !== "linux" || await which("script") === undefined;
const asks = `case "$*" in
  "-n -v") ${wantsPassword};;
  -v) printf 'Password: ' > /dev/tty; read -r word < /dev/tty; [ "$word" = right ];;
esac`;

/** Types a password at a terminal on which pim asks for sudo. */
async function type(sudo: StandIn, password: string): Promise<{ outcome: Outcome; screen: string }> {
  const words = [
    Deno.execPath(),
    "run",
    "-A",
    "--quiet",
    "--no-check",
    program,
    "ask",
    "QEMU has to run as root",
  ];
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const { stdout } = await run(["script", "-qec", quoted, "/dev/null"], {
    env: sudo.env,
    stdin: `${password}\n`,
  });
  return { outcome: outcomeOf(stdout), screen: stdout };
}

Deno.test(
  { name: "on a terminal it is said why, and sudo asks once for all", ignore: noTerminal },
  async () => {
    await using sudo = await standIn(asks);
    const { outcome, screen } = await type(sudo, "right");
    assert.deepEqual(outcome, { done: "asked" });
    assert.match(screen, /QEMU has to run as root: sudo may ask for your password\r\n[^]*Password: /);
    assert.deepEqual(await sudo.argvs(), ["-n -v", "-v"]);
  },
);

Deno.test({ name: "sudo that refuses is the host's fault", ignore: noTerminal }, async () => {
  await using sudo = await standIn(asks);
  const { failed } = (await type(sudo, "wrong")).outcome;
  assert.equal(failed?.exitCode, exitCode.host);
  assert.equal(failed.message, "QEMU has to run as root, but sudo refused");
});

Deno.test("why a socket cannot be connected to is said in words", async () => {
  await using folder = await tempDir({ file: "" });
  const at = (name: string) => join(folder.path, name);
  // Closing removes a socket's name, but not a second one that it has.
  const listener = Deno.listen({ transport: "unix", path: at("gone") });
  await Deno.link(at("gone"), at("left"));
  listener.close();
  const cases = [
    ["none", "there is no such socket", Deno.errors.NotFound],
    ["left", "nobody listens on it", Deno.errors.ConnectionRefused],
    ["file", "nobody listens on it", Deno.errors.ConnectionRefused],
  ] as const;
  for (const [name, why, kind] of cases) {
    await assert.rejects(connectUnix(at(name)), (error) => {
      assert(error instanceof PimError && error.cause instanceof kind);
      assert.equal(error.message, `Cannot connect to ${at(name)}: ${why}`);
      return true;
    });
  }
});

Deno.test("a process of ours is signalled without sudo, and one that has gone is no error", async () => {
  const sleeping = start(["sleep", "60"]);
  assert.equal(await signalProcess(sleeping.pid, "SIGTERM"), true);
  assert.equal((await sleeping.ended).signal, "SIGTERM");
  assert.equal(await signalProcess(sleeping.pid, "SIGTERM"), false);
  for (const pid of [1, 0, -1, -5, 1.5, NaN]) await assert.rejects(signalProcess(pid, "SIGTERM"), TypeError);
});

// From here on a permission is really denied: to a user who is neither us nor root. Only root can become one.
const asRoot = Deno.build.os === "linux" && Deno.uid() === 0;
const stranger = 65534;
const asStranger = { PIM_TEST_UID: `${stranger}` };

/** A stand-in for sudo behind which root really is: this process does what a stranger asks of it. */
async function realStandIn(): Promise<StandIn> {
  const sudo = await standIn(
    'echo "$*" > $here/asked; read -r code said < $here/answer; [ -z "$said" ] || echo "$said" >&2; exit $code',
  );
  const [asked, answer] = [join(sudo.path, "asked"), join(sudo.path, "answer")];
  await run(["mkfifo", asked, answer]);
  for (const pipe of [asked, answer]) await Deno.chmod(pipe, 0o666);
  // Open at both ends, neither waits for the other side.
  const requests = await Deno.open(asked, { read: true, write: true });
  const answers = await Deno.open(answer, { read: true, write: true });
  const serving = (async () => {
    const buffer = new Uint8Array(4096);
    for (;;) {
      const count = await requests.read(buffer) ?? 0;
      const words = new TextDecoder().decode(buffer.subarray(0, count)).trim().split(" ");
      if (words[0] === "end") return;
      const known = words[0] === "-n" && words[1] === "--";
      const { code, stderr } = await run(known ? words.slice(2) : ["false"], { okStatus: [0, 1] });
      await answers.write(new TextEncoder().encode(`${code} ${stderr.trim()}\n`));
    }
  })();
  return {
    ...sudo,
    async [Symbol.asyncDispose]() {
      await Deno.writeTextFile(asked, "end\n");
      await serving;
      requests.close();
      answers.close();
      await sudo[Symbol.asyncDispose]();
    },
  };
}

/** A QMP server whose socket belongs to this user, in a folder that everybody may enter. */
async function server(owner: number) {
  const fake = await fakeServer(async (peer) => {
    await peer.write('{"QMP":{"version":{"qemu":{"major":9,"minor":1,"micro":0}}}}\n');
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      await peer.write(JSON.stringify({ return: {}, id: request.id }) + "\n");
    }
  });
  await Deno.chmod(dirname(fake.path), 0o755);
  await Deno.chmod(fake.path, 0o755);
  await Deno.chown(fake.path, owner, null);
  return fake;
}

Deno.test({ name: "a socket of root's becomes ours through sudo, once", ignore: !asRoot }, async () => {
  await using sudo = await realStandIn();
  await using qemu = await server(0);
  assert.deepEqual(await use(sudo, ["qmp", qemu.path], asStranger), { done: "9.1.0" });
  assert.equal((await Deno.stat(qemu.path)).uid, stranger);
  assert.deepEqual(await sudo.argvs(), [`-n -- chown -h ${stranger} ${qemu.path}`]);
  assert.match(String((await use(sudo, ["connect", qemu.path], asStranger)).done), /^{"QMP":/);
  assert.equal((await sudo.argvs()).length, 1);
});

Deno.test({ name: "a socket of root's stays out of reach when sudo says no", ignore: !asRoot }, async () => {
  await using sudo = await standIn(wantsPassword);
  await using qemu = await server(0);
  const { failed } = await use(sudo, ["qmp", qemu.path], asStranger);
  assert.deepEqual([failed?.name, failed?.exitCode], ["QmpClosedError", exitCode.host]);
  assert.match(
    failed?.message ?? "",
    /\/s belongs to root, but sudo wants a password and there is no terminal/,
  );
  assert.deepEqual(await sudo.argvs(), [`-n -- chown -h ${stranger} ${qemu.path}`, "-n -v"]);
  const unasked = await use(sudo, ["connect", qemu.path], { ...asStranger, PIM_TEST_ASK: "no" });
  assert.match(
    unasked.failed?.message ?? "",
    /^Cannot connect to .*\/s: it belongs to root, and sudo exited with 1: sudo: a password is required$/,
  );
});

Deno.test({ name: "another user's socket is left to that user", ignore: !asRoot }, async () => {
  await using sudo = await realStandIn();
  await using qemu = await server(12345);
  const { failed } = await use(sudo, ["connect", qemu.path], asStranger);
  assert.equal(failed?.message, `Cannot connect to ${qemu.path}: it belongs to user 12345`);
  assert.equal(failed?.cause, "PermissionDenied");
  assert.deepEqual(await sudo.argvs(), []);
});

Deno.test({ name: "a process of root's is signalled through sudo", ignore: !asRoot }, async () => {
  await using sudo = await realStandIn();
  const sleeping = start(["sleep", "60"]);
  assert.deepEqual(await use(sudo, ["signal", `${sleeping.pid}`, "SIGTERM"], asStranger), { done: true });
  assert.equal((await sleeping.ended).signal, "SIGTERM");
  assert.deepEqual(await sudo.argvs(), [`-n -- kill -s TERM ${sleeping.pid}`]);
});

Deno.test(
  { name: "a process of root's that ends while sudo starts is no error", ignore: !asRoot },
  async () => {
    await using sudo = await standIn("echo 'kill: (7): No such process' >&2; exit 1");
    assert.deepEqual(await use(sudo, ["signal", `${Deno.pid}`, "SIGTERM"], asStranger), { done: false });
    assert.deepEqual(await sudo.argvs(), [`-n -- kill -s TERM ${Deno.pid}`]);
  },
);
