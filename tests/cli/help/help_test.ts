import assert from "node:assert/strict";
import { newUser } from "../pim.ts";
import { runLines } from "../several_lines.ts";

Deno.test("pim help prints what --help prints", async () => {
  await using user = await newUser();
  const commands = [[], ["build"], ["build", "run"], ["run"]];
  const helps = await runLines(user, commands.map((words) => ["help", ...words]));
  const flags = await runLines(user, commands.map((words) => [...words, "--help"]));
  assert.deepEqual(helps, flags);
  for (const { code, stdout } of helps) {
    assert.equal(code, 0);
    assert.match(stdout, /^USAGE$/m);
  }
  assert.deepEqual(await user.pim(), flags[0]);
});

Deno.test("help of a command shows what its flags take, their defaults, and examples", async () => {
  await using user = await newUser();
  const [run, log, build] = await runLines(user, [["run", "--help"], ["log", "-h"], ["build", "run", "-h"]]);
  for (
    const line of [
      /^ {2}pim run /m,
      /^ {2}--memory SIZE +Memory/m,
      /^ {2}--wait ssh\|agent\|none +.*\(default: none\)$/m,
      /^ {2}--vnc, --no-vnc /m,
      /^ {2}--forward HOST:GUEST\.\.\. /m,
      /^EXAMPLES\n {2}pim run web --wait ssh +\S/m,
    ]
  ) assert.match(run.stdout, line);
  assert.match(log.stdout, /^ {2}-n, --lines N +Only/m);
  assert.match(build.stdout, /^ {2}--cache, --no-cache .*\(default: yes\)$/m);
});

Deno.test("help of a command shows which arguments can be left out, of those that can be several, too", async () => {
  await using user = await newUser();
  const [check, remove] = await runLines(user, [["target", "check", "--help"], [
    "deploy",
    "remove",
    "--help",
  ]]);
  assert.match(check.stdout, /^ {2}pim target check \[--json\] \[TARGET\.\.\.\]$/m);
  assert.match(check.stdout, /^ {2}\[TARGET\.\.\.\] +Name of a target/m);
  assert.match(remove.stdout, /^ {2}pim deploy remove \[--json\] \[--forget\] TARGET\/IMAGE\.\.\.$/m);
});

Deno.test("pim help tells of exit codes, the environment and the files", async () => {
  await using user = await newUser();
  const topics = await runLines(user, [["help", "exit-codes"], ["help", "environment"], ["help", "files"]]);
  assert.match(topics[0].stdout, /^ {2}130 +cancelled$/m);
  assert.match(topics[1].stdout, /^ {2}PIM_PROJECT +/m);
  assert.match(topics[2].stdout, /^ {2}isos\.d\/\*\.yml +/m);
});

Deno.test("pim help finds the command or topic that was meant, and ends with 2", async () => {
  await using user = await newUser();
  const wrong = [
    [["biuld"], /^error: There is no command biuld\nhint: Did you mean build\?\n$/],
    [["build", "rn"], /^error: There is no command build rn\nhint: Did you mean run\?\n$/],
    [["exit-code"], /^error: There is no command exit-code\nhint: Did you mean exit-codes\?\n$/],
    [
      ["build", "constructor"],
      /^error: There is no command build constructor\nhint: There is: clean, debug, /,
    ],
    [["run", "web"], /^error: There is no command run web\nhint: It has none below it: pim run --help\n$/],
  ] as const;
  const outcomes = await runLines(user, wrong.map(([words]) => ["help", ...words]));
  for (const [index, [words, said]] of wrong.entries()) {
    const { code, stdout, stderr } = outcomes[index] ?? assert.fail();
    assert.deepEqual([code, stdout], [2, ""], words.join(" "));
    assert.match(stderr, said);
  }
});
