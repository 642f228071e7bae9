import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import type { Architecture } from "../../lib/architecture.ts";
import { findBootFiles, installerNamed, recogniseIso } from "../../lib/installer/installers.ts";
import type { BootFiles, RecognisedIso } from "../../lib/installer/installer.ts";
import { openIso } from "../../lib/iso/iso9660/iso9660.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";

/** Makes a real ISO with these files and asks what it is. */
async function recognise(
  files: Record<string, string>,
  architecture: Architecture = "amd64",
): Promise<{ iso: RecognisedIso | undefined; boot: BootFiles | undefined }> {
  await using temp = await tempDir();
  const dir = temp.path;
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(join(dir, "tree", dirname(path)), { recursive: true });
    await Deno.writeTextFile(join(dir, "tree", path), text);
  }
  const path = join(dir, "x.iso");
  await run(["xorriso", "-as", "mkisofs", "-quiet", "-r", "-J", "-o", path, join(dir, "tree")]);
  await using image = await openIso(path);
  const iso = await recogniseIso(image);
  const boot = iso && await findBootFiles(installerNamed(iso.family), image, architecture);
  return { iso, boot };
}

Deno.test("A Debian netinst ISO is recognised by its description", async () => {
  const { iso, boot } = await recognise({
    ".disk/info":
      'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST with firmware 20240210-11:27\n',
    "install.amd/vmlinuz": "k",
    "install.amd/initrd.gz": "i",
  });
  assert.deepEqual(iso, { family: "debian", version: "12.5.0", architecture: "amd64", medium: "netinst" });
  assert.deepEqual(boot, { kernel: "/install.amd/vmlinuz", initrd: "/install.amd/initrd.gz" });
});

Deno.test("A Debian arm64 DVD has its kernel in install.a64", async () => {
  const { iso, boot } = await recognise({
    ".disk/info":
      'Debian GNU/Linux 13.1.0 "Trixie" - Official arm64 DVD Binary-1 with firmware 20250906-10:24\n',
    "install.a64/vmlinuz": "k",
    "install.a64/initrd.gz": "i",
  }, "arm64");
  assert.deepEqual(iso, { family: "debian", version: "13.1.0", architecture: "arm64", medium: "dvd" });
  assert.equal(boot?.kernel, "/install.a64/vmlinuz");
});

Deno.test("Debian's mini.iso is recognised with and without a description", async () => {
  const kernel = { "linux": "k", "initrd.gz": "i" };
  const bare = await recognise(kernel);
  assert.deepEqual(bare.iso, { family: "debian", medium: "netboot" });
  assert.deepEqual(bare.boot, { kernel: "/linux", initrd: "/initrd.gz" });
  const described = await recognise({
    ...kernel,
    ".disk/info": "Debian GNU/Linux 12 - netboot mini.iso amd64\n",
  });
  assert.deepEqual(described.iso, {
    family: "debian",
    version: "12",
    architecture: "amd64",
    medium: "netboot",
  });
});

Deno.test("An Ubuntu live server ISO is recognised, and its HWE kernel is the second choice", async () => {
  const info = { ".disk/info": 'Ubuntu-Server 24.04.1 LTS "Noble Numbat" - Release amd64 (20240827)\n' };
  const hwe = { "casper/hwe-vmlinuz": "k", "casper/hwe-initrd": "i" };
  const both = await recognise({ ...info, ...hwe, "casper/vmlinuz": "k", "casper/initrd": "i" });
  assert.deepEqual(both.iso, {
    family: "ubuntu",
    version: "24.04.1",
    architecture: "amd64",
    medium: "live-server",
  });
  assert.equal(both.boot?.kernel, "/casper/vmlinuz");
  assert.equal((await recognise({ ...info, ...hwe })).boot?.initrd, "/casper/hwe-initrd");
});

Deno.test("An ISO of another system is not recognised", async () => {
  assert.equal((await recognise({ "images/pxeboot/vmlinuz": "k", ".discinfo": "Fedora" })).iso, undefined);
  assert.equal((await recognise({ ".disk/info": "Linux Mint 22", "casper/vmlinuz": "k" })).iso, undefined);
});

Deno.test("Boot files that are not there are not found", async () => {
  const { boot } = await recognise({ ".disk/info": "Debian GNU/Linux 12.5.0 amd64 NETINST", "linux": "k" });
  assert.equal(boot, undefined);
});
