// Starts UEFI machines of both architectures from an empty disk: they end in the firmware's own shell, on the serial
// console, where variables can be set as an installer would.
import { ok, strictEqual } from "node:assert/strict";
import { Buffer } from "node:buffer";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createDisk } from "../../../lib/qemu/img.ts";
import { followSerial } from "../../../lib/qemu/serial.ts";
import { pim } from "../pim.ts";
import { pimDirs } from "../../base/pim_dirs.ts";

const shellDeadlineMs = 240_000;

interface Place {
  readonly env: Readonly<Record<string, string>>;
  readonly disk: string;
  readonly runtimeDir: string;
  readonly vm: (name: string, file: string) => string;
}

async function inPlace(test: (place: Place) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "pim-efi-" });
  const env = {
    ...pimDirs(dir),
  };
  const disk = join(dir, "blank.qcow2");
  await createDisk(disk, 64 * 1024 * 1024, { qemuImg: "qemu-img" });
  try {
    await test({
      env,
      disk,
      runtimeDir: env.PIM_RUNTIME_DIR,
      vm: (name, file) => join(env.PIM_DATA_DIR, "vms", name, file),
    });
  } finally {
    await pim(["stop", "--all", "--force"], { env });
    await Deno.remove(dir, { recursive: true });
  }
}

async function expectPim(place: Place, args: readonly string[]): Promise<string> {
  const result = await pim(args, { env: place.env });
  strictEqual(result.code, 0, result.stderr);
  return result.stdout;
}

async function waitForShell(place: Place, name: string): Promise<void> {
  const deadline = AbortSignal.timeout(shellDeadlineMs);
  for await (const line of followSerial(place.vm(name, "serial.log"), { signal: deadline })) {
    if (line.includes("Press ESC in")) return await waitForPrompt(place.vm(name, "serial.log"));
  }
  throw new Error(`${name} did not reach the UEFI shell`);
}

/** The prompt is a line without an end. */
async function waitForPrompt(log: string): Promise<void> {
  const endMs = Date.now() + shellDeadlineMs;
  while (!(await Deno.readTextFile(log)).includes("Shell>")) {
    ok(Date.now() < endMs, "the UEFI shell prompts");
    await sleep(200);
  }
}

/** Types a key only when the one before was echoed: the firmware's serial driver drops what comes too fast. */
async function type(place: Place, name: string, text: string): Promise<void> {
  using socket = await Deno.connect({ transport: "unix", path: join(place.runtimeDir, `${name}.serial`) });
  let echoed = 0;
  // Read all the time: QEMU stops a guest whose output nobody takes.
  const reading = (async () => {
    const buffer = new Uint8Array(4096);
    for (let count = await socket.read(buffer); count !== null; count = await socket.read(buffer)) {
      echoed += count;
    }
  })().catch(() => {});
  for (const key of `${text}\r`) {
    const before = echoed;
    await socket.write(new TextEncoder().encode(key));
    for (let left = 200; left > 0 && echoed === before; left--) await sleep(10);
    await sleep(20); // An echo is several bytes.
  }
  await socket.closeWrite();
  await reading;
}

const variable = "pimtest";

async function hasVariable(place: Place, name: string): Promise<boolean> {
  const bytes = await Deno.readFile(place.vm(name, "efi-vars.fd"));
  return Buffer.from(bytes.buffer).includes(Buffer.from(variable, "utf16le"));
}

for (const [arch, machine] of [["amd64", "q35"], ["arm64", "virt"]] as const) {
  Deno.test(`a UEFI machine for ${arch} starts its firmware on the serial console and keeps its own variables`, async () => {
    await inPlace(async (place) => {
      const machineFlags = ["--arch", arch, "--firmware", "uefi", "--memory", "256", "--cpus", "1"];
      const started = JSON.parse(
        await expectPim(place, ["run", place.disk, "--name", "one", ...machineFlags, "--json"]),
      );
      strictEqual(started.name, "one");
      const record = JSON.parse(await Deno.readTextFile(join(place.runtimeDir, "one.json")));
      const argv: string[] = record.argv;
      ok(argv[argv.indexOf("-machine") + 1]?.startsWith(machine), argv.join(" "));

      await waitForShell(place, "one");
      const guid = "3a8f2d6c-57b1-4a0e-9c44-1f0b6f7d2e90";
      await type(place, "one", `setvar ${variable} -guid ${guid} -bs -nv =0x2a`);
      for (let left = 300; left > 0 && !(await hasVariable(place, "one")); left--) await sleep(100);
      ok(await hasVariable(place, "one"), "the variable is in the VM's own file");

      await expectPim(place, ["run", place.disk, "--name", "two", ...machineFlags]);
      ok(!(await hasVariable(place, "two")), "another VM of the same image has variables of its own");

      await expectPim(place, ["stop", "one", "two", "--force"]);
      await expectPim(place, ["run", "one"]);
      ok(await hasVariable(place, "one"), "the next start finds it again");
    });
  });
}
