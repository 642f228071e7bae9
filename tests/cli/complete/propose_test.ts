import assert from "node:assert/strict";
import { runLines } from "../several_lines.ts";
import { completingUser, image, trap } from "./completing_user.ts";

const profiles = [trap, "web", "web db"];

Deno.test("each argument is proposed the names that it takes", async () => {
  await using user = await completingUser();
  const lines = [
    [["build", "run", ""], profiles],
    [["profile", "show", ""], profiles],
    [["iso", "show", ""], ["debian-13-amd64-netinst"]],
    [["target", "show", ""], ["it's: odd", "lab", "cloud"]],
    [["build", "show", ""], [...profiles, image]],
    [["build", "log", ""], [...profiles, image]],
    [["deploy", "run", ""], [...profiles, image]],
    [["deploy", "run", "web", ""], ["it's: odd", "lab", "cloud"]],
    [["deploy", "run", "--force", "web", "lab", ""], ["it's: odd", "cloud"]],
    [["deploy", "show", ""], [`lab/${image}`]],
    [["config", "get", "build.ssh."], "build.ssh.user"],
    [["iso", "add", "debian-13"], "debian-13-amd64-netinst"],
  ] as const;
  const answers = await user.propose(lines.map(([line]) => line));
  for (const [index, [line, names]] of lines.entries()) {
    const proposed = answers[index]?.names ?? [];
    if (typeof names === "string") assert.ok(proposed.includes(names), line.join(" "));
    else assert.deepEqual([...proposed].sort(), [...names].sort(), line.join(" "));
  }
});

Deno.test("a flag's value is proposed after the flag and after its equals sign", async () => {
  await using user = await completingUser();
  const lines = [
    [["run", "--disk", ""], ["overlay", "clone", "snapshot"]],
    [["run", "--disk=o"], ["--disk=overlay", "--disk=clone", "--disk=snapshot"]],
    [["verify", "--arch", ""], ["amd64", "arm64"]],
    [["build", "run", "web", "--iso", ""], ["debian-13-amd64-netinst"]],
    [["build", "run", "--from", ""], ["install", "base", "finalize"]],
    [["build", "run", "--jobs", ""], []],
    // It may stand alone.
    [["run", "--bridged", ""], [...profiles, image].sort()],
  ] as const;
  const answers = await user.propose(lines.map(([line]) => line));
  for (const [index, [line, names]] of lines.entries()) {
    assert.deepEqual(answers[index]?.names, names, line.join(" "));
  }
});

Deno.test("flags are proposed when a dash was typed, and none that is there already", async () => {
  await using user = await completingUser();
  const [build, list, again, passedOn, root] = await user.propose([
    ["build", "run", "--json", "-"],
    ["iso", "list", "-l", "-"],
    ["exec", "web", "--env", "A=1", "-"],
    ["exec", "web", "--", "-"],
    ["-"],
  ]);
  for (const flag of ["--dry-run", "--no-cache", "--verify", "--no-verify", "--project", "--help"]) {
    assert.ok(build.names.includes(flag), flag);
  }
  assert.ok(!build.names.includes("--json") && !build.names.includes("--cache"));
  assert.ok(list.names.every((name) => name !== "--long"));
  assert.ok(again.names.includes("--env"));
  assert.deepEqual(passedOn.names, [], "what follows is not pim's");
  assert.ok(root.names.includes("--version"));
});

Deno.test("commands come with their descriptions, and hidden ones do not come", async () => {
  await using user = await completingUser();
  const { stdout } = await user.pim("complete", "zsh", "--", "");
  assert.match(stdout, /^none\n/);
  assert.match(stdout, /^build\tBuild images and look after them$/m);
  assert.doesNotMatch(stdout, /^complete\t/m);
  const [topics, below] = await user.propose([["help", ""], ["help", "build", ""]]);
  assert.ok(topics.names.includes("exit-codes"));
  assert.ok(below.names.includes("prune"));
});

Deno.test("where a path may stand, the shell is told to propose its own", async () => {
  await using user = await completingUser();
  const lines = [
    [["run", "--user-data", ""], "files"],
    [["run", "--user-data=f"], "files"],
    [["run", ""], "files"],
    [["cp", ""], "files"],
    [["cp", "web:/etc/"], "none"],
    [["init", ""], "folders"],
    [["--project", ""], "folders"],
    [["build", "run", "--project="], "folders"],
    [["build", "run", ""], "none"],
  ] as const;
  const answers = await user.propose(lines.map(([line]) => line));
  assert.deepEqual(answers.map(({ paths }) => paths), lines.map(([, paths]) => paths));
});

Deno.test("--project in the line decides whose names are proposed", async () => {
  await using user = await completingUser();
  const [before, behind] = await user.propose([
    ["--project", "../other", "build", "run", ""],
    ["build", "run", "--project=../other", ""],
  ]);
  assert.ok(before.names.includes("elsewhere") && behind.names.includes("elsewhere"));
});

Deno.test("a broken configuration leaves commands, flags and values, and says nothing", async () => {
  await using user = await completingUser({
    "config/pim/pim.yml": "build: [\n",
    "config/pim/isos.d/debian.yml": "debian: {{{\n",
  });
  const lines = [["build", "run", ""], ["build", "run", "-"], ["build", ""]] as const;
  const [names, flags, commands] = await user.propose(lines);
  assert.deepEqual(names, { paths: "none", names: [] });
  assert.ok(flags.names.includes("--dry-run"));
  assert.ok(commands.names.includes("run"));
  const wrong = [["bash"], ["fish", "--"], ["tcsh", "--", "x"], ["bash", "--", "pim x", "y"]];
  for (const { code, stderr } of await runLines(user, wrong.map((words) => ["complete", ...words]))) {
    assert.deepEqual([code, stderr], [0, ""]);
  }
});
