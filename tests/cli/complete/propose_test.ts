import assert from "node:assert/strict";
import { completingUser, image, trap } from "./completing_user.ts";

const profiles = [trap, "web", "web db"];

Deno.test("each argument is proposed the names that it takes", async () => {
  await using user = await completingUser();
  for (
    const [line, names] of [
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
    ] as const
  ) {
    const proposed = (await user.propose(...line)).names;
    if (typeof names === "string") assert.ok(proposed.includes(names), line.join(" "));
    else assert.deepEqual([...proposed].sort(), [...names].sort(), line.join(" "));
  }
});

Deno.test("a flag's value is proposed after the flag and after its equals sign", async () => {
  await using user = await completingUser();
  const valuesOf = async (...line: string[]) => (await user.propose(...line)).names;
  assert.deepEqual(await valuesOf("run", "--disk", ""), ["overlay", "clone", "snapshot"]);
  assert.deepEqual(await valuesOf("run", "--disk=o"), ["--disk=overlay", "--disk=clone", "--disk=snapshot"]);
  assert.deepEqual(await valuesOf("verify", "--arch", ""), ["amd64", "arm64"]);
  assert.deepEqual(await valuesOf("build", "run", "web", "--iso", ""), ["debian-13-amd64-netinst"]);
  assert.deepEqual(await valuesOf("build", "run", "--from", ""), ["install", "base", "finalize"]);
  assert.deepEqual(await valuesOf("build", "run", "--jobs", ""), []);
  assert.deepEqual(await valuesOf("run", "--bridged", ""), [...profiles, image].sort(), "it may stand alone");
});

Deno.test("flags are proposed when a dash was typed, and none that is there already", async () => {
  await using user = await completingUser();
  const { names } = await user.propose("build", "run", "--json", "-");
  for (const flag of ["--dry-run", "--no-cache", "--verify", "--no-verify", "--project", "--help"]) {
    assert.ok(names.includes(flag), flag);
  }
  assert.ok(!names.includes("--json") && !names.includes("--cache"));
  assert.ok((await user.propose("iso", "list", "-l", "-")).names.every((name) => name !== "--long"));
  assert.ok((await user.propose("exec", "web", "--env", "A=1", "-")).names.includes("--env"), "again");
  assert.deepEqual((await user.propose("exec", "web", "--", "-")).names, [], "what follows is not pim's");
  assert.ok((await user.propose("-")).names.includes("--version"));
});

Deno.test("commands come with their descriptions, and hidden ones do not come", async () => {
  await using user = await completingUser();
  const { stdout } = await user.pim("complete", "zsh", "--", "");
  assert.match(stdout, /^none\n/);
  assert.match(stdout, /^build\tBuild images and look after them$/m);
  assert.doesNotMatch(stdout, /^complete\t/m);
  assert.ok((await user.propose("help", "")).names.includes("exit-codes"));
  assert.ok((await user.propose("help", "build", "")).names.includes("prune"));
});

Deno.test("where a path may stand, the shell is told to propose its own", async () => {
  await using user = await completingUser();
  for (
    const [line, paths] of [
      [["run", "--user-data", ""], "files"],
      [["run", "--user-data=f"], "files"],
      [["run", ""], "files"],
      [["cp", ""], "files"],
      [["cp", "web:/etc/"], "none"],
      [["init", ""], "folders"],
      [["--project", ""], "folders"],
      [["build", "run", "--project="], "folders"],
      [["build", "run", ""], "none"],
    ] as const
  ) assert.equal((await user.propose(...line)).paths, paths, line.join(" "));
});

Deno.test("--project in the line decides whose names are proposed", async () => {
  await using user = await completingUser();
  const { names } = await user.propose("--project", "../other", "build", "run", "");
  assert.ok(names.includes("elsewhere"));
  assert.ok((await user.propose("build", "run", "--project=../other", "")).names.includes("elsewhere"));
});

Deno.test("a broken configuration leaves commands, flags and values, and says nothing", async () => {
  await using user = await completingUser({
    "config/pim/pim.yml": "build: [\n",
    "config/pim/isos.d/debian.yml": "debian: {{{\n",
  });
  assert.deepEqual(await user.propose("build", "run", ""), { paths: "none", names: [] });
  assert.ok((await user.propose("build", "run", "-")).names.includes("--dry-run"));
  assert.ok((await user.propose("build", "")).names.includes("run"));
  for (const args of [["bash"], ["fish", "--"], ["tcsh", "--", "x"], ["bash", "--", "pim x", "y"]]) {
    const { code, stderr } = await user.pim("complete", ...args);
    assert.deepEqual([code, stderr], [0, ""], args.join(" "));
  }
});
