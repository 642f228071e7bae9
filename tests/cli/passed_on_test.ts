import assert from "node:assert/strict";
import { keepPassedOn } from "../../lib/cli/passed_on.ts";

const kept = (line: string) => keepPassedOn(line.split(" ")).join(" ");

Deno.test("the flags of a command that is passed on are its own", () => {
  assert.equal(kept("exec demo grep -q x --debug"), "exec demo -- grep -q x --debug");
  assert.equal(kept("ssh demo ls --help"), "ssh demo -- ls --help");
});

Deno.test("the flags before that command are pim's, with their values", () => {
  assert.equal(
    kept("--project dir -q exec --timeout 5 demo --env A=b --no-stdin ls -l"),
    "--project dir -q exec --timeout 5 demo --env A=b --no-stdin -- ls -l",
  );
  assert.equal(kept("ssh --user=root demo -t htop -d 5"), "ssh --user=root demo -t -- htop -d 5");
});

Deno.test("what has its -- already, or passes nothing on, stays as it is", () => {
  for (
    const line of ["exec demo -- ls -- -l", "exec demo -l", "exec", "run demo x --name exec", "--version"]
  ) {
    assert.equal(kept(line), line);
  }
});
