import assert from "node:assert/strict";
import { installerAnswers, installerArgs, plainLine } from "../../lib/ventoy/prepare/installer_args.ts";

Deno.test("the installer gets its command, then its options, then the disk", () => {
  assert.deepEqual(installerArgs("/dev/sdb", { mode: "install" }), ["-i", "/dev/sdb"]);
  assert.deepEqual(
    installerArgs("/dev/sdb", { mode: "force", gpt: true, secureBoot: true, label: "STICK" }),
    ["-I", "-s", "-g", "-L", "STICK", "/dev/sdb"],
  );
  assert.deepEqual(installerArgs("/dev/sdb", { mode: "update", secureBoot: false }), [
    "-u",
    "-S",
    "/dev/sdb",
  ]);
});

Deno.test("the installer is told yes as often as it asks", () => {
  assert.equal(installerAnswers({ mode: "install" }), "y\ny\n");
  assert.equal(installerAnswers({ mode: "force" }), "y\ny\n");
  assert.equal(installerAnswers({ mode: "update" }), "y\n");
});

Deno.test("a label that the installer would tear apart is refused", () => {
  for (const label of ["A B", "", "-x", "TWELVELETTER", "ä", "a;b"]) {
    assert.throws(() => installerArgs("/dev/sdb", { mode: "install", label }), /cannot be the label/, label);
  }
});

Deno.test("the installer's lines come without colours and frames", () => {
  assert.equal(plainLine("\x1b[31mWrite failed\x1b[0m"), "Write failed");
  assert.equal(plainLine("**********"), "");
  assert.equal(plainLine("      Ventoy: 1.1.18  x86_64"), "Ventoy: 1.1.18  x86_64");
});
