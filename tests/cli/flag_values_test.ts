import assert from "node:assert/strict";
import { joinFlagValues } from "../../lib/cli/flag_values.ts";

const joined = (line: string) => joinFlagValues(line.split(" ")).join(" ");

Deno.test("--bridged stands alone or has its interface behind an equals sign", () => {
  assert.equal(joined("run --bridged demo"), "run --bridged=auto demo");
  assert.equal(joined("run demo --bridged"), "run demo --bridged=auto");
  assert.equal(joined("run --bridged=br0 demo"), "run --bridged=br0 demo");
});

Deno.test("the value of --qemu-arg may begin with a dash", () => {
  assert.equal(
    joined("run --qemu-arg -device --qemu-arg usb-mouse demo"),
    "run --qemu-arg=-device --qemu-arg=usb-mouse demo",
  );
  assert.equal(joined("run --qemu-arg=-S --qemu-arg"), "run --qemu-arg=-S --qemu-arg");
});

Deno.test("what stands behind -- is left alone", () => {
  assert.equal(joined("exec demo -- x --bridged --qemu-arg y"), "exec demo -- x --bridged --qemu-arg y");
});
