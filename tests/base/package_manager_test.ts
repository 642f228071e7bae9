import assert from "node:assert/strict";
import { installWith } from "../../lib/package_manager.ts";

Deno.test("packages are installed by sudo, unless by root, who may have none, or with Homebrew, which refuses it", () => {
  assert.equal(installWith("apt-get", ["ovmf", "ovmf", "gpgv"], 1000), "sudo apt-get install ovmf gpgv");
  assert.equal(installWith("apt-get", ["ovmf"], 0), "apt-get install ovmf");
  assert.equal(installWith("pacman", ["qemu-img"], 1000), "sudo pacman -S qemu-img");
  assert.equal(installWith("brew", ["qemu"], 501), "brew install qemu");
});
