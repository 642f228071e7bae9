import assert from "node:assert/strict";
import { join } from "node:path";
import { hostArchitecture } from "../../lib/architecture.ts";
import { HostError, UsageError } from "../../lib/errors.ts";
import { parseQemuVersion, probeQemu } from "../../lib/qemu/host.ts";
import { installCommand } from "../../lib/qemu/install_hint.ts";
import { tempDir } from "../base/temp.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const folder = temp.path;
  await use(folder);
}

/** Runs with a PATH on which these programs alone exist, as scripts. */
async function withPrograms(
  programs: Record<string, string>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const before = Deno.env.get("PATH") ?? "";
  await withFolder(async (folder) => {
    for (const [name, script] of Object.entries(programs)) {
      await Deno.writeTextFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    }
    Deno.env.set("PATH", folder);
    try {
      await use(folder);
    } finally {
      Deno.env.set("PATH", before);
    }
  });
}

Deno.test("this host is probed: programs, version, firmware, and an accelerator that is KVM or says why not", async () => {
  await withFolder(async (folder) => {
    const host = await probeQemu({ architecture: "amd64", firmware: "uefi", cacheDir: folder });
    assert.equal(host.architecture, "amd64");
    assert.match(host.qemu, /\/qemu-system-x86_64$/);
    assert.match(host.qemuImg, /\/qemu-img$/);
    assert(host.version.major >= 6);
    assert.match(host.firmware?.codePath ?? "", /CODE/i);
    const { name, reason } = host.accelerator;
    if (name === "tcg") assert((reason ?? "").length > 20, "TCG without a reason");
    else assert.equal(name, "kvm");
  });
});

Deno.test("amd64 starts by BIOS unless UEFI is asked for, and arm64 always by UEFI", async () => {
  await withFolder(async (folder) => {
    assert.equal((await probeQemu({ architecture: "amd64", cacheDir: folder })).firmware, undefined);
    const arm = await probeQemu({ architecture: "arm64", cacheDir: folder });
    assert.notEqual(arm.firmware, undefined);
    if (hostArchitecture() === "amd64") assert.equal(arm.accelerator.name, "tcg");
    const bios = probeQemu({ architecture: "arm64", firmware: "bios", cacheDir: folder });
    await assert.rejects(bios, (error) => error instanceof UsageError);
  });
});

// Root needs none, and may have none.
const sudo = Deno.uid() === 0 ? "" : "sudo ";

Deno.test("what is missing is named with the install command of this system's package manager", async () => {
  const version = "echo QEMU emulator version 8.2.1";
  const cases: [Record<string, string>, RegExp, string][] = [
    [
      { "apt-get": "" },
      /^qemu-system-x86_64 and qemu-img are not/,
      `Install it: ${sudo}apt-get install qemu-system-x86 qemu-utils`,
    ],
    [
      { dnf: "", "qemu-img": "" },
      /^qemu-system-x86_64 is not/,
      `Install it: ${sudo}dnf install qemu-system-x86`,
    ],
    [{ brew: "" }, /^qemu-system-x86_64 and qemu-img are/, "Install it: brew install qemu"],
    [{ apk: "", "qemu-system-x86_64": version }, /^qemu-img is not/, `Install it: ${sudo}apk add qemu-img`],
    [
      {},
      /^qemu-system-x86_64 and/,
      "Install QEMU with the package manager of this system, or see https://www.qemu.org/download/",
    ],
  ];
  for (const [programs, message, hint] of cases) {
    await withPrograms(programs, async (folder) => {
      await assert.rejects(probeQemu({ architecture: "amd64", cacheDir: folder }), (error) => {
        assert(error instanceof HostError);
        assert.match(error.message, message);
        assert.equal(error.hint, hint);
        assert.equal(error.exitCode, 3);
        return true;
      });
    });
  }
});

Deno.test("a QEMU that is too old, or no QEMU at all, is refused", async () => {
  const asked = (folder: string) => probeQemu({ architecture: "amd64", cacheDir: folder });
  await withPrograms(
    { "qemu-img": "", "qemu-system-x86_64": "echo QEMU emulator version 4.2.1" },
    async (folder) => {
      await assert.rejects(asked(folder), /QEMU 4.2.1 is too old: pim needs 6.0 or later/);
    },
  );
  await withPrograms({ "qemu-img": "", "qemu-system-x86_64": "echo hello" }, async (folder) => {
    await assert.rejects(asked(folder), /does not name a version: hello/);
  });
});

Deno.test("versions are read as the distributions print them", () => {
  assert.deepEqual(parseQemuVersion("QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18+b3)"), {
    major: 7,
    minor: 2,
    micro: 22,
    text: "7.2.22",
  });
  assert.equal(parseQemuVersion("QEMU emulator version 10.0.0-rc1")?.text, "10.0.0");
  assert.equal(parseQemuVersion("bash: not found"), undefined);
});

Deno.test("every package manager knows every part for both architectures", () => {
  for (const program of ["apt-get", "dnf", "pacman", "zypper", "apk", "brew"] as const) {
    for (const architecture of ["amd64", "arm64"] as const) {
      assert.match(
        installCommand(program, ["system", "img", "firmware"], architecture),
        /^(sudo )?[a-z-]+ [\w\s-]+$/,
      );
    }
  }
  assert.equal(installCommand("apt-get", ["firmware"], "arm64"), `${sudo}apt-get install qemu-efi-aarch64`);
});
