import assert from "node:assert/strict";
import { newUser } from "../pim.ts";

Deno.test("pim help prints what --help prints", async () => {
  await using user = await newUser();
  for (const words of [[], ["build"], ["build", "run"], ["run"]]) {
    const help = await user.pim("help", ...words);
    assert.deepEqual(help, await user.pim(...words, "--help"), words.join(" "));
    assert.equal(help.code, 0);
    assert.match(help.stdout, /^USAGE$/m);
  }
  assert.equal((await user.pim()).stdout, (await user.pim("--help")).stdout);
});

Deno.test("help of a command shows what its flags take, their defaults, and examples", async () => {
  await using user = await newUser();
  const { stdout } = await user.pim("run", "--help");
  for (
    const line of [
      /^ {2}pim run /m,
      /^ {2}--memory SIZE +Memory/m,
      /^ {2}--wait ssh\|agent\|none +.*\(default: none\)$/m,
      /^ {2}--vnc, --no-vnc /m,
      /^ {2}--forward HOST:GUEST\.\.\. /m,
      /^EXAMPLES\n {2}pim run web --wait ssh +\S/m,
    ]
  ) assert.match(stdout, line);
  assert.match((await user.pim("log", "-h")).stdout, /^ {2}-n, --lines N +Only/m);
  assert.match(
    (await user.pim("build", "run", "-h")).stdout,
    /^ {2}--cache, --no-cache .*\(default: yes\)$/m,
  );
});

Deno.test("help of a command shows which arguments can be left out, of those that can be several, too", async () => {
  await using user = await newUser();
  const check = (await user.pim("target", "check", "--help")).stdout;
  assert.match(check, /^ {2}pim target check \[--json\] \[TARGET\.\.\.\]$/m);
  assert.match(check, /^ {2}\[TARGET\.\.\.\] +Name of a target/m);
  const remove = (await user.pim("deploy", "remove", "--help")).stdout;
  assert.match(remove, /^ {2}pim deploy remove \[--json\] \[--forget\] TARGET\/IMAGE\.\.\.$/m);
});

Deno.test("pim help tells of exit codes, the environment and the files", async () => {
  await using user = await newUser();
  assert.match((await user.pim("help", "exit-codes")).stdout, /^ {2}130 +cancelled$/m);
  assert.match((await user.pim("help", "environment")).stdout, /^ {2}PIM_PROJECT +/m);
  assert.match((await user.pim("help", "files")).stdout, /^ {2}isos\.d\/\*\.yml +/m);
});

Deno.test("pim help finds the command or topic that was meant, and ends with 2", async () => {
  await using user = await newUser();
  for (
    const [words, said] of [
      [["biuld"], "error: There is no command biuld\nhint: Did you mean build?\n"],
      [["build", "rn"], "error: There is no command build rn\nhint: Did you mean run?\n"],
      [["exit-code"], "error: There is no command exit-code\nhint: Did you mean exit-codes?\n"],
      [
        ["build", "constructor"],
        /^error: There is no command build constructor\nhint: There is: clean, debug, /,
      ],
      [["run", "web"], "error: There is no command run web\nhint: It has none below it: pim run --help\n"],
    ] as const
  ) {
    const { code, stdout, stderr } = await user.pim("help", ...words);
    assert.deepEqual([code, stdout], [2, ""], words.join(" "));
    if (typeof said === "string") assert.equal(stderr, said);
    else assert.match(stderr, said);
  }
});
