import assert from "node:assert/strict";
import { join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import { newUser } from "./pim.ts";
import { runLines } from "./several_lines.ts";

Deno.test("pim --version prints the version of deno.json", async () => {
  await using user = await newUser();
  assert.deepEqual(await user.pim("--version"), { code: 0, stdout: `${denoConfig.version}\n`, stderr: "" });
});

Deno.test("pim --help names the commands, the common flags and the exit codes", async () => {
  await using user = await newUser();
  const { code, stdout } = await user.pim("--help");
  assert.equal(code, 0);
  for (const text of ["init", "config", "profile", "--project", "--quiet", "--debug", "130 cancelled"]) {
    assert.ok(stdout.includes(text), text);
  }
  assert.match((await user.pim("profile", "--help")).stdout, /\bimport\b/);
});

Deno.test("a mistyped command or flag exits with 2 and finds the one that was meant", async () => {
  await using user = await newUser();
  const lines = [
    [["profil"], /^error: There is no command profil\nhint: Did you mean profile\?\n$/],
    [["profile", "lst"], /Did you mean list\?/],
    [["config", "show", "--jsn"], /^error: There is no flag --jsn\nhint: Did you mean --json\?\n$/],
    [["config", "get"], /^error: KEY is missing\nhint: See: pim config get --help\n$/],
    [["config", "get", "a", "b"], /^error: .*"b"\nhint: See: pim config get --help\n$/],
    [["cp", "a"], /^error: 2 of these are needed: PATH\|VM:PATH\n/],
    [["build", "run", "a", "--jobs", "x"], /^error: --jobs: .*\nhint: See: pim build run --help\n$/],
    [
      ["build", "run", "a", "--on-error", "kep"],
      /^error: --on-error: kep is not one of: .*\nhint: See: /,
    ],
    [["build", "run", "a", "--arch"], /^error: --arch needs a value\n/],
    [["build", "run", "a", "-z"], /^error: There is no flag -z\nhint: See: pim build run --help\n$/],
    [["iso", "prune", "--yes"], /^error: There is no flag --yes\nhint: See: pim iso prune --help\n$/],
    [["completion", "bsh"], /^error: bsh is not one of: bash, zsh, fish\n/],
    [["build", "--foo"], /^error: There is no flag --foo\nhint: See: pim build --help\n$/],
    [["--projct", "x", "config"], /^error: There is no flag --projct\nhint: Did you mean --project\?\n$/],
    [["zzzzzz"], /^error: There is no command zzzzzz\nhint: See: pim --help\n$/],
  ] as const;
  const outcomes = await runLines(user, lines.map(([args]) => args));
  for (const [index, { code, stdout, stderr }] of outcomes.entries()) {
    const [args, said] = lines[index] ?? assert.fail();
    assert.deepEqual([code, stdout], [2, ""], args.join(" "));
    assert.match(stderr, said);
  }
});

Deno.test("a person's mistake shows a stack trace under --debug only, or PIM_LOG=debug", async () => {
  await using user = await newUser();
  const args = ["config", "get", "nothing"];
  assert.doesNotMatch((await user.pim(...args)).stderr, /\n\s+at /);
  const debug = await user.pim("--debug", ...args);
  assert.equal(debug.code, 2);
  assert.match(debug.stderr, /^error: There is no setting nothing\nhint: .*\nUsageError: [\s\S]*\n\s+at /);
  const fromEnv = await user.run([...user.argv, ...args], { env: { PIM_LOG: "debug" } });
  assert.match(fromEnv.stderr, /\n\s+at /);
});

Deno.test("--quiet leaves results and errors", async () => {
  await using user = await newUser();
  const [init, cpus, none] = await runLines(user, [
    ["init", "-q"],
    ["--quiet", "config", "get", "build.cpus"],
    ["--quiet", "config", "get", "none"],
  ]);
  assert.match(init.stdout, /^\d+ files written to [^\n]*\n$/);
  assert.equal(cpus.stdout, "2\n");
  assert.match(none.stderr, /^error: /);
});

Deno.test("a reader that closes the pipe early is no error", async () => {
  await using user = await newUser();
  const script = '"$@" | { exec <&-; }; echo "${PIPESTATUS[0]}"';
  for (const args of [["--help"], ["config", "show"], ["config", "show", "--json"]]) {
    const { stdout, stderr } = await user.run(["bash", "-c", script, "bash", ...user.argv, ...args]);
    assert.deepEqual([stdout, stderr], ["0\n", ""], args.join(" "));
  }
  const both = '"$@" 2>&1 | { exec <&-; }; echo "${PIPESTATUS[0]}"';
  const failing = await user.run(["bash", "-c", both, "bash", ...user.argv, "--debug", "profile", "list"]);
  assert.deepEqual([failing.stdout, failing.stderr], ["2\n", ""]);
});

Deno.test("colours are for terminals without NO_COLOR", async () => {
  await using user = await newUser();
  const onTerminal = async (env: Record<string, string>) => {
    const command = `${user.argv.join(" ")} --help; ${user.argv.join(" ")} zzzz`;
    const argv = ["script", "-qec", command, join(user.path, "typescript")];
    return (await user.run(argv, { env: { TERM: "xterm", ...env } })).stdout;
  };
  assert.ok((await onTerminal({})).includes("\x1b["));
  assert.ok(!(await onTerminal({ NO_COLOR: "1" })).includes("\x1b"));
  const { stdout, stderr } = await user.run([...user.argv, "zzzz"], { env: { TERM: "xterm" } });
  assert.ok(!`${stdout}${stderr}`.includes("\x1b"));
});

Deno.test("what follows -- is never taken for a flag", async () => {
  await using user = await newUser();
  const { code, stderr } = await user.pim("config", "get", "--", "--debug");
  assert.equal(code, 2);
  assert.equal(stderr.split("\n")[0], "error: There is no setting --debug");
});
