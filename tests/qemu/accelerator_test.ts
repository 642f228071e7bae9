import assert from "node:assert/strict";
import { join } from "node:path";
import { hostArchitecture } from "../../lib/architecture.ts";
import { CancelledError } from "../../lib/errors.ts";
import { which } from "../../lib/process.ts";
import { type AcceleratorQuestion, chooseAccelerator } from "../../lib/qemu/accelerator.ts";
import { runTestGuest, testGuestArgs } from "../../lib/qemu/test_guest.ts";
import { tempDir } from "../base/temp.ts";

const programs = { amd64: "qemu-system-x86_64", arm64: "qemu-system-aarch64" } as const;

async function question(cacheDir: string): Promise<AcceleratorQuestion> {
  const architecture = hostArchitecture();
  const qemu = await which(programs[architecture]) ?? "";
  return {
    platform: "linux",
    hostArchitecture: architecture,
    architecture,
    qemu,
    qemuVersion: "1.2.3",
    cacheDir,
  };
}

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const folder = temp.path;
  await use(folder);
}

for (const architecture of ["amd64", "arm64"] as const) {
  Deno.test(`the test guest for ${architecture} runs to its end under TCG`, async () => {
    const qemu = programs[architecture];
    const result = await runTestGuest({ qemu, architecture, accelerator: "tcg", deadlineMs: 10_000 });
    assert.deepEqual(result, { ran: true });
  });
}

Deno.test("the test guest runs with the same machine and CPU as a real one", () => {
  assert.deepEqual(testGuestArgs("qemu", "amd64", "kvm", "/k"), [
    ...["qemu", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "64M"],
    ...["-machine", "q35", "-accel", "kvm", "-cpu", "host"],
    ...["-device", "isa-debug-exit,iobase=0xf4,iosize=1", "-kernel", "/k"],
  ]);
  assert.deepEqual(testGuestArgs("qemu", "arm64", "hvf", "/k"), [
    ...["qemu", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-m", "64M"],
    ...["-machine", "virt", "-accel", "hvf", "-cpu", "host"],
    ...["-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0", "-kernel", "/k"],
  ]);
});

Deno.test("a guest that is not through by the deadline did not run, and QEMU is gone by then", async () => {
  const began = performance.now();
  const result = await runTestGuest({
    qemu: programs.amd64,
    architecture: "amd64",
    accelerator: "tcg",
    deadlineMs: 5,
  });
  assert.deepEqual(result, { ran: false, why: "a test guest did not run within 0.005 s" });
  assert(performance.now() - began < 20_000);
});

Deno.test("an accelerator that QEMU refuses is reported in QEMU's words", async () => {
  const result = await runTestGuest({
    qemu: programs.amd64,
    architecture: "amd64",
    accelerator: "hvf", // Never there on Linux.
    deadlineMs: 5000,
  });
  assert.equal(result.ran, false);
  assert.match(result.ran ? "" : result.why, /^QEMU could not run a test guest: .*hvf/);
});

Deno.test("aborting ends the test as cancelled", async () => {
  const signal = AbortSignal.abort();
  const options = { architecture: "amd64", accelerator: "tcg", deadlineMs: 5000, signal } as const;
  await assert.rejects(
    runTestGuest({ qemu: programs.amd64, ...options }),
    (error) => error instanceof CancelledError,
  );
});

Deno.test("a guest of another architecture is emulated, and the reason says so", async () => {
  await withFolder(async (folder) => {
    const here = await question(folder);
    const architecture = here.hostArchitecture === "amd64" ? "arm64" : "amd64";
    const chosen = await chooseAccelerator({ ...here, architecture });
    assert.equal(chosen.name, "tcg");
    assert.match(
      chosen.reason ?? "",
      new RegExp(`${architecture} has to be emulated .* ${here.hostArchitecture}`),
    );
  });
});

Deno.test("without a KVM device the reason says what to switch on", async () => {
  await withFolder(async (folder) => {
    const chosen = await chooseAccelerator({ ...await question(folder), kvmDevice: join(folder, "kvm") });
    assert.equal(chosen.name, "tcg");
    assert.equal(chosen.obstacle?.problem, `there is no ${folder}/kvm`);
    assert.equal(chosen.reason, `${chosen.obstacle?.problem}: ${chosen.obstacle?.remedy}`);
  });
});

Deno.test("a device that opens proves nothing: a guest that hangs means TCG, told in words and in time", async () => {
  await withFolder(async (folder) => {
    // Opens as /dev/kvm does, while this QEMU never gets anywhere.
    const kvmDevice = join(folder, "kvm");
    const qemu = join(folder, "qemu");
    await Deno.writeTextFile(kvmDevice, "");
    await Deno.writeTextFile(qemu, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const began = performance.now();
    const chosen = await chooseAccelerator({ ...await question(folder), qemu, kvmDevice, deadlineMs: 300 });
    assert.equal(chosen.reason, `${kvmDevice} is there, but a test guest did not run within 0.3 s`);
    assert(performance.now() - began < 20_000);
  });
});

Deno.test("the result is remembered for this boot, QEMU and accelerator, and a damaged memory is no memory", async () => {
  await withFolder(async (folder) => {
    const here = await question(folder);
    const kvmDevice = join(folder, "kvm");
    const qemu = join(folder, "qemu");
    const log = join(folder, "log");
    await Deno.writeTextFile(kvmDevice, "");
    await Deno.writeTextFile(
      qemu,
      `#!/bin/sh\necho ran >> '${log}'\nprintf ok\nexit ${here.architecture === "amd64" ? 33 : 0}\n`,
      {
        mode: 0o755,
      },
    );
    const runs = async () => (await Deno.readTextFile(log)).trim().split("\n").length;
    const asked = { ...here, qemu, kvmDevice };
    assert.deepEqual(await chooseAccelerator(asked), { name: "kvm" });
    assert.deepEqual(await chooseAccelerator(asked), { name: "kvm" });
    assert.equal(await runs(), 1);
    await chooseAccelerator({ ...asked, qemuVersion: "1.2.4" });
    assert.equal(await runs(), 2);
    await Deno.writeTextFile(join(folder, `accelerator-${here.architecture}.json`), "{");
    assert.deepEqual(await chooseAccelerator(asked), { name: "kvm" });
    assert.equal(await runs(), 3);
    assert.deepEqual(await chooseAccelerator({ ...asked, fresh: true }), { name: "kvm" });
    assert.equal(await runs(), 4);
  });
});

Deno.test("a refusal is remembered for a while only, for the host may just have been busy", async () => {
  await withFolder(async (folder) => {
    const here = await question(folder);
    const kvmDevice = join(folder, "kvm");
    const qemu = join(folder, "qemu");
    const memory = join(folder, `accelerator-${here.architecture}.json`);
    const asked = { ...here, qemu, kvmDevice };
    await Deno.writeTextFile(kvmDevice, "");
    await Deno.writeTextFile(qemu, "#!/bin/sh\necho 'no luck' >&2\nexit 1\n", { mode: 0o755 });
    const refused = await chooseAccelerator(asked);
    assert.match(refused.reason ?? "", /could not run a test guest: no luck$/);
    await Deno.writeTextFile(qemu, `#!/bin/sh\nprintf ok\nexit ${here.architecture === "amd64" ? 33 : 0}\n`);
    assert.deepEqual(await chooseAccelerator(asked), refused);
    const remembered = JSON.parse(await Deno.readTextFile(memory));
    await Deno.writeTextFile(
      memory,
      JSON.stringify({ ...remembered, testedMs: remembered.testedMs - 2 * 3600_000 }),
    );
    assert.deepEqual(await chooseAccelerator(asked), { name: "kvm" });
  });
});
