import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import {
  createEfiVars,
  type DescriptorFile,
  descriptorFolders,
  findFirmware,
  selectFirmware,
  usualFirmware,
} from "../../lib/qemu/firmware.ts";
import { which } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";

const testdata = join(import.meta.dirname ?? "", "../testdata/firmware");

async function read(folder: string): Promise<DescriptorFile[]> {
  const files: DescriptorFile[] = [];
  for await (const { name } of Deno.readDir(join(testdata, folder))) {
    const path = join(testdata, folder, name);
    files.push({ path, text: await Deno.readTextFile(path) });
  }
  return files;
}

Deno.test("firmware is taken by file name, what needs SMM last, and what enforces Secure Boot never", async () => {
  const found = selectFirmware(await read("general"), "amd64");
  assert.deepEqual(found.map((each) => each.codePath), ["/fw/code.qcow2", "/fw/code.fd", "/fw/smm.fd"]);
  assert.deepEqual(found[0], {
    codePath: "/fw/code.qcow2",
    codeFormat: "qcow2",
    varsTemplate: "/fw/vars.qcow2",
    varsFormat: "qcow2",
    requiresSmm: false,
  });
  assert.equal(found[2]?.requiresSmm, true);
});

Deno.test("a more specific folder replaces a descriptor by its name, or hides it with an empty file", async () => {
  const found = selectFirmware([...await read("general"), ...await read("specific")], "amd64");
  assert.deepEqual(found.map((each) => each.codePath), ["/own/code.fd", "/fw/smm.fd"]);
});

Deno.test("firmware for another architecture is not taken", async () => {
  const found = selectFirmware(await read("general"), "arm64");
  assert.deepEqual(found.map((each) => each.codePath), ["/fw/aarch64.fd"]);
  assert.deepEqual(selectFirmware(await read("specific"), "arm64"), []);
});

Deno.test("the user's own folder of descriptors comes last, so that it wins", () => {
  const before = Deno.env.get("XDG_CONFIG_HOME");
  Deno.env.set("XDG_CONFIG_HOME", "/home/me/.config");
  try {
    assert.deepEqual(descriptorFolders("/opt/homebrew/bin/qemu-system-aarch64"), [
      "/usr/share/qemu/firmware",
      "/opt/homebrew/share/qemu/firmware",
      "/etc/qemu/firmware",
      "/home/me/.config/qemu/firmware",
    ]);
    assert.equal(descriptorFolders("/usr/bin/qemu-system-aarch64").length, 3);
  } finally {
    if (before === undefined) Deno.env.delete("XDG_CONFIG_HOME");
    else Deno.env.set("XDG_CONFIG_HOME", before);
  }
});

Deno.test("descriptors that lead nowhere do not keep others from being found", async () => {
  await using dir = await tempDir({ "code.fd": "", "vars.fd": "", "share/qemu/firmware/00-own.json": "" });
  const at = (path: string) => join(dir.path, path);
  const descriptor = {
    "interface-types": ["uefi"],
    mapping: {
      device: "flash",
      executable: { filename: at("code.fd"), format: "raw" },
      "nvram-template": { filename: at("vars.fd"), format: "raw" },
    },
    targets: [{ architecture: "x86_64", machines: ["pc-q35-*"] }],
    features: [],
  };
  await Deno.writeTextFile(at("share/qemu/firmware/00-own.json"), JSON.stringify(descriptor));
  for (let count = 10; count < 40; count++) {
    await Deno.symlink(at("nowhere"), at(`share/qemu/firmware/${count}-gone.json`));
  }
  assert.equal((await findFirmware("amd64", at("bin/qemu")))?.codePath, at("code.fd"));
});

Deno.test("on a Mac the firmware beside Homebrew's QEMU is looked for", () => {
  const [first] = usualFirmware("arm64", "/opt/homebrew/bin/qemu-system-aarch64");
  assert.equal(first?.codePath, "/opt/homebrew/share/qemu/edk2-aarch64-code.fd");
  assert.equal(first?.varsTemplate, "/opt/homebrew/share/qemu/edk2-arm-vars.fd");
});

for (const architecture of ["amd64", "arm64"] as const) {
  const program = architecture === "amd64" ? "qemu-system-x86_64" : "qemu-system-aarch64";
  Deno.test(`the firmware found on this host for ${architecture} is there and gives a machine its variables`, async () => {
    const firmware = await findFirmware(architecture, await which(program) ?? "");
    assert(firmware, "no firmware installed");
    assert.equal(firmware.requiresSmm, false);
    assert((await Deno.stat(firmware.codePath)).size > 1024 * 1024);
    const path = await Deno.makeTempFile({ prefix: "pim-vars-" });
    try {
      await createEfiVars(firmware, path);
      const [copy, template] = [await Deno.readFile(path), await Deno.readFile(firmware.varsTemplate)];
      assert(Buffer.compare(copy, template) === 0, "the copy differs");
      assert(((await Deno.stat(path)).blocks ?? 0) * 512 < 2 * 1024 * 1024, "zeros take up space");
    } finally {
      await Deno.remove(path);
    }
  });
}
