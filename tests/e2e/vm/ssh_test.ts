import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../../lib/process.ts";
import { listProcesses } from "../../../lib/process_table.ts";
import { shellQuote } from "../../../lib/ssh/quote.ts";
import { newUser, type Outcome, type User } from "../../cli/pim.ts";
import { freePort, type Sshd, startSshd } from "../../ssh/sshd.ts";
import { openPty } from "../../vm/pty.ts";
import { type StandInVm, standInVm } from "../../vm/ssh_vm.ts";

/** A user, and a VM `demo` whose SSH is a sshd of this host. */
interface Lab extends AsyncDisposable {
  readonly user: User;
  readonly sshd: Sshd;
  readonly vm: StandInVm;
  readonly keyFile: string;
}

async function lab(options: { readonly withKey?: boolean } = {}): Promise<Lab> {
  await using made = new AsyncDisposableStack();
  const user = made.use(await newUser());
  const sshd = made.use(await startSshd());
  const keyFile = await user.write("a key", sshd.key.privateKey);
  await Deno.chmod(keyFile, 0o600);
  const vm = made.use(
    await standInVm(user, {
      sshPort: sshd.port,
      definition: { username: sshd.username, ...(options.withKey !== false && { sshKey: keyFile }) },
    }),
  );
  const all = made.move();
  return { user, sshd, vm, keyFile, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** What `sh` says to a line that starts pim as "$@". */
const inShell = (user: User, script: string, ...args: string[]): Promise<Outcome> =>
  user.run(["bash", "-c", script, "bash", ...user.argv, ...args]);

Deno.test("pim ssh runs a command in the VM; its output and its exit code are the command's", async () => {
  await using place = await lab();
  const { user, sshd } = place;
  assert.deepEqual(await user.pim("ssh", "demo", "id", "-un"), {
    code: 0,
    stdout: `${sshd.username}\n`,
    stderr: "",
  });
  assert.deepEqual(await user.pim("ssh", "de", "--", "echo out; echo err >&2; exit 42"), {
    code: 42,
    stdout: "out\n",
    stderr: "err\n",
  });
});

Deno.test("several words arrive as they were typed, and input goes through byte by byte", async () => {
  await using place = await lab();
  const { user } = place;
  const words = ["a  b", "it's", '"$HOME"', "`id`", "*", "-n", "", "--json", "ümläut"];
  const { stdout } = await user.pim("ssh", "demo", "--", "printf", "%s|", ...words);
  assert.equal(stdout, words.map((word) => `${word}|`).join(""));
  const script = `head -c 300000 /dev/urandom > data; "$@" < data | cmp - data && echo same`;
  const piped = await inShell(user, script, "ssh", "demo", "--", "cat");
  assert.deepEqual(piped, { code: 0, stdout: "same\n", stderr: "" });
  const early = await inShell(user, `"$@" | head -n 1`, "ssh", "demo", "--", "yes");
  assert.deepEqual([early.code, early.stdout], [0, "y\n"]);
});

Deno.test("a refused login is ssh's own failure: exit code 255, and what to try, with no word of host keys", async () => {
  await using place = await lab();
  const { user, keyFile } = place;
  for (const args of [["ssh", "nobody-here@demo", "--", "true"], ["cp", "nobody-here@demo:a", "b"]]) {
    const { code, stderr } = await user.pim(...args);
    assert.equal(code, 255);
    assert.match(stderr, /^nobody-here@127\.0\.0\.1: Permission denied/);
    assert.match(stderr, /^hint: If the login as nobody-here was refused: .* --user, .* pim console demo$/m);
    assert(stderr.includes(keyFile), stderr);
    assert.doesNotMatch(stderr, /host key/);
  }
  // Here the login works, and what is copied is not there.
  const missing = await user.pim("cp", "demo:/no/such/file", "b");
  assert.notEqual(missing.code, 0);
  assert.doesNotMatch(missing.stderr, /hint/);
});

Deno.test("the keys of the user's agent work, though the VM has none of its own", async () => {
  await using place = await lab({ withKey: false });
  const { user, keyFile } = place;
  const script = `eval "$(ssh-agent -s)" > /dev/null; trap 'kill $SSH_AGENT_PID' EXIT
ssh-add -q '${keyFile}'; "$@"`;
  assert.deepEqual(await inShell(user, script, "ssh", "demo", "--", "echo in"), {
    code: 0,
    stdout: "in\n",
    stderr: "",
  });
});

Deno.test("a VM's host key is learnt into its folder; another one is refused and explained", async () => {
  await using place = await lab();
  const { user, vm } = place;
  assert.equal((await user.pim("ssh", "demo", "true")).code, 0);
  assert.match(await Deno.readTextFile(vm.folder.knownHosts), /ssh-ed25519/);
  const line = (await run(["ssh-keygen", "-F", "pim-demo", "-f", vm.folder.knownHosts])).stdout;
  assert.match(line, /found/);
  // The key of another machine takes the place of the one that was learnt.
  await using other = await lab();
  await other.user.pim("ssh", "demo", "true");
  await Deno.copyFile(other.vm.folder.knownHosts, vm.folder.knownHosts);
  for (const args of [["ssh", "demo", "true"], ["cp", "demo:/etc/hostname", "x"]]) {
    const { code, stderr } = await user.pim(...args);
    assert.equal(code, 255, stderr);
    assert.match(stderr, /REMOTE HOST IDENTIFICATION HAS CHANGED/);
    assert.match(stderr, /^warning: demo shows another SSH host key than before\./m);
    assert.ok(
      stderr.endsWith(
        `\nhint: When that is what happened, forget the old ones: rm ${vm.folder.knownHosts}\n`,
      ),
    );
  }
});

/** Runs pim; `act` is called as soon as it has said that it waits. */
async function whileWaiting(user: User, args: readonly string[], act: () => Promise<void>): Promise<Outcome> {
  const [program = "", ...rest] = [...user.argv, ...args];
  const child = new Deno.Command(program, {
    args: rest,
    clearEnv: true,
    env: user.env,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
    signal: AbortSignal.timeout(30_000),
  }).spawn();
  let stderr = "";
  let acting: Promise<void> | undefined;
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    stderr += text;
    if (/^Waiting for the SSH of demo$/m.test(stderr)) acting ??= act();
  }
  await acting;
  return { code: (await child.status).code, stdout: "", stderr };
}

Deno.test("a guest that is still starting is waited for, and that is said after a second", async () => {
  await using user = await newUser();
  await using made = new AsyncDisposableStack();
  const port = freePort();
  await using _vm = await standInVm(user, { sshPort: port });
  const { code, stderr } = await whileWaiting(user, ["ssh", "demo", "--", "true"], async () => {
    made.use(await startSshd({ port }));
  });
  assert.equal(code, 255); // sshd answers; it knows no key of this user.
  assert.match(stderr, /^Waiting for the SSH of demo\n.*Permission denied/);
});

Deno.test("waiting ends when its time is over, and when the VM ends", async () => {
  await using user = await newUser();
  await using vm = await standInVm(user, { sshPort: freePort() });
  const late = await user.pim("ssh", "--timeout", "1", "demo", "--", "true");
  assert.equal(late.code, 6);
  assert.match(
    late.stderr,
    /No SSH at 127\.0\.0\.1:\d+ within 1 s: nothing answers on the port\nhint: .*pim log demo/,
  );
  const dead = await whileWaiting(user, ["cp", "demo:a", "b"], () => vm.kill());
  assert.equal(dead.code, 1);
  assert.match(
    dead.stderr,
    /error: The VM demo has ended while pim waited for its SSH\nhint: .*pim log demo\n$/,
  );
});

/** pim on a terminal of its own. */
const onTerminal = (user: User, ...args: string[]) =>
  openPty([...user.argv, ...args].map(shellQuote).join(" "), user.env);

/** How many ssh programs talk to a sshd. */
const clientsOf = async ({ port }: Sshd) =>
  (await listProcesses()).filter(({ command }) =>
    command.includes(`ssh -o HostName=127.0.0.1 -o Port=${port} `)
  )
    .length;

Deno.test("on a terminal, Ctrl-C goes to what runs in the guest, and the shell's exit code comes back", async () => {
  await using place = await lab();
  await using pty = onTerminal(place.user, "ssh", "-t", "demo", "--", "PS1='ready: ' sh");
  await pty.see(/ready: $/);
  await pty.type("echo $((40 + 2)); (echo asleep; exec sleep 60)\n");
  await pty.see(/^42\r\nasleep\r$/m);
  await pty.type("\x03");
  await pty.see(/ready: $/);
  await pty.type("exit 9\n");
  assert.equal(await pty.ended, 9, pty.screen());
});

Deno.test("Ctrl-C ends a command without a terminal of its own, and neither ssh nor pim stays behind", async () => {
  await using place = await lab();
  await using pty = onTerminal(place.user, "ssh", "demo", "--", "echo begun; exec cat");
  await pty.see(/begun/);
  assert.equal(await clientsOf(place.sshd), 1);
  await pty.type("\x03");
  assert.equal(await pty.ended, 130, pty.screen());
  assert.equal(await clientsOf(place.sshd), 0);
});

Deno.test("who ends pim ends its ssh too", async () => {
  await using place = await lab();
  const { user, sshd } = place;
  const [program = "", ...args] = [...user.argv, "ssh", "demo", "--", "echo begun; exec cat"];
  const child = new Deno.Command(program, {
    args,
    clearEnv: true,
    env: user.env,
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
    signal: AbortSignal.timeout(30_000),
  }).spawn();
  const reader = child.stdout.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "begun\n");
  assert.equal(await clientsOf(sshd), 1);
  child.kill("SIGTERM");
  assert.equal((await child.status).code, 130);
  await reader.cancel();
  assert.equal(await clientsOf(sshd), 0);
});

Deno.test("pim ssh --config prints what makes a plain ssh get there", async () => {
  await using place = await lab();
  const { user } = place;
  const script = `"$@" > config && ssh -F config pim-demo echo in`;
  const { code, stdout } = await inShell(user, script, "ssh", "--config", "demo");
  assert.deepEqual([code, stdout], [0, "in\n"]);
});

Deno.test("without ssh on this host pim names the package that has it", async () => {
  await using place = await lab();
  const { user } = place;
  const bin = join(user.path, "bin");
  await user.write("bin/apt-get", "");
  await Deno.chmod(join(bin, "apt-get"), 0o755);
  for (const [command, ...args] of [["ssh", "demo"], ["cp", "demo:x", "x"]] as const) {
    const { code, stderr } = await user.run([...user.argv, command, ...args], { env: { PATH: bin } });
    assert.equal(code, 3);
    const program = command === "cp" ? "scp" : "ssh";
    const install = `${Deno.uid() === 0 ? "" : "sudo "}apt-get install openssh-client`;
    assert.equal(stderr, `error: ${program} is not installed or not on PATH\nhint: Install it: ${install}\n`);
  }
});

Deno.test("a VM that does not run, and two users at once, are refused", async () => {
  await using user = await newUser();
  const none = await user.pim("ssh", "demo");
  assert.equal(none.code, 2);
  assert.match(none.stderr, /^error: There is no VM "demo"\nhint: /);
  for (
    const args of [["ssh", "--user", "a", "b@demo"], ["ssh", "-x@demo"], [
      "cp",
      "--user",
      "a b",
      "demo:x",
      ".",
    ]]
  ) {
    const { code, stderr } = await user.pim(...args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /two users|cannot be the name of a user|flag/);
  }
});
