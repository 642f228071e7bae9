// The life of a VM from the demo's image: everything that takes a guest to prove it.
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { demoUser } from "../../demo/boot.ts";
import { openPty } from "../../vm/pty.ts";
import { demoImage } from "../demo_image.ts";
import { pim, type PimResult } from "../pim.ts";
import { pimDirs } from "../../base/pim_dirs.ts";

const mainModule = join(import.meta.dirname ?? ".", "../../../main.ts");
const waitSsh = ["--wait", "ssh", "--timeout", "300"] as const;

/** Folders of pim's own, with the demo's image and registry. */
interface Home extends AsyncDisposable {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
  /** Runs pim to its end, whatever its exit code. */
  try(...args: readonly string[]): Promise<PimResult>;
  /** What pim prints; it must succeed. */
  pim(...args: readonly string[]): Promise<string>;
}

async function home(): Promise<Home> {
  const demo = await demoImage();
  const dir = await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-vm-" });
  const env = {
    ...pimDirs(dir),
    PIM_BUILD_IMAGE_DIR: demo.imageDir,
    PIM_BUILD_MEMORY: "1024",
  };
  await Deno.mkdir(env.PIM_DATA_DIR);
  await Deno.copyFile(
    join(demo.env.PIM_DATA_DIR ?? "", "registry.yml"),
    join(env.PIM_DATA_DIR, "registry.yml"),
  );
  return {
    dir,
    env,
    try: (...args) => pim(args, { env }),
    async pim(...args) {
      const result = await pim(args, { env });
      strictEqual(result.code, 0, `pim ${args.join(" ")}: ${result.stderr}`);
      return result.stdout;
    },
    async [Symbol.asyncDispose]() {
      await pim(["stop", "--all", "--force"], { env });
      await Deno.remove(dir, { recursive: true });
    },
  };
}

Deno.test("a VM of the demo's image lives its whole life", async (t) => {
  await using place = await home();
  const { dir } = place;
  const key = await generateKeyPair("pim-test");
  await Deno.writeTextFile(join(dir, "key"), key.privateKey, { mode: 0o600 });
  await Deno.writeTextFile(join(dir, "key.pub"), `${key.publicKey}\n`);

  await t.step("run starts it in the background and waits for SSH", async () => {
    const text = await place.pim("run", "demo", "--ssh-key", join(dir, "key.pub"), ...waitSsh);
    match(text, /^demo is running: demo-amd64-\S+, 1024 MiB, 2 CPUs/);
    match(text, /ssh -p \d+ demo@127\.0\.0\.1/);
    const [vm, ...others] = JSON.parse(await place.pim("ps", "--json"));
    strictEqual(vm.name, "demo");
    strictEqual(vm.state, "running");
    deepStrictEqual(others, []);
  });

  await t.step("a second run of the same VM is refused by its name", async () => {
    const result = await place.try("run", "demo");
    strictEqual(result.code, 2);
    match(result.stderr, /The VM demo is running already/);
  });

  await t.step("ip and os tell what the guest is; a part of the name is enough", async () => {
    strictEqual((await place.pim("ip", "de", "--first", "--wait")).trim(), "10.0.2.15");
    const os = JSON.parse(await place.pim("os", "dem", "--json"));
    match(JSON.stringify(os), /Debian GNU\/Linux/);
  });

  await t.step("exec needs no network and passes output, input and exit code on", async () => {
    strictEqual(await place.pim("exec", "demo", "--", "id", "-un"), "root\n");
    const failed = await place.try("exec", "demo", "--", "sh", "-c", "echo out; echo err >&2; exit 42");
    deepStrictEqual([failed.code, failed.stdout], [42, "out\n"]);
    match(failed.stderr, /err/);
    strictEqual((await place.try("exec", "demo", "--", "no-such-program")).code, 127);
  });

  await t.step("the seed gave it its name and let the key in", async () => {
    strictEqual((await place.pim("exec", "demo", "--", "hostname")).trim(), "demo");
    const result = await place.try("ssh", "demo", "--", "sh", "-c", "id -un; exit 5");
    deepStrictEqual([result.code, result.stdout], [5, `${demoUser.username}\n`], result.stderr);
  });

  await t.step("cp takes folders in and out, whatever their names", async () => {
    const folder = join(dir, "a folder");
    await Deno.mkdir(folder);
    const bytes = crypto.getRandomValues(new Uint8Array(50_000));
    await Deno.writeFile(join(folder, "it's data"), bytes);
    await place.pim("cp", folder, "demo:");
    await place.pim("cp", "demo:a folder/it's data", join(dir, "back"));
    deepStrictEqual(await Deno.readFile(join(dir, "back")), bytes);
  });

  await t.step("console is a terminal on the serial line; Ctrl-] leaves it", async () => {
    const command = `'${Deno.execPath()}' run -A '${mainModule}' console demo`;
    await using pty = openPty(command, { ...Deno.env.toObject(), ...place.env });
    await pty.see(/Ctrl-\] leaves/, 30_000);
    await pty.type("\r");
    await pty.see(/login: /, 60_000);
    await pty.type(`${demoUser.username}\r`);
    await pty.see(/Password: /, 60_000);
    await pty.type(`${demoUser.password}\r`);
    await pty.see(/\$ /, 120_000);
    await pty.type("echo answer-$((40 + 2))\r");
    await pty.see(/answer-42/, 60_000);
    await pty.type("exit\r");
    await pty.see(/login: /, 60_000);
    await pty.type("\x1d");
    strictEqual(await pty.ended, 0);
  });

  await t.step("log shows what the console said", async () => {
    match(await place.pim("log", "demo"), /answer-42/);
  });

  await t.step("screenshot is a whole PNG", async () => {
    const file = join(dir, "screen.png");
    await place.pim("screenshot", "demo", file);
    const { width, height } = decodePng(await Deno.readFile(file));
    ok(width >= 640 && height >= 400, `${width}x${height}`);
  });

  await t.step("stop powers it off through its agent, and says so", async () => {
    await place.pim("exec", "demo", "--", "sh", "-c", "echo kept > /root/mark; sync");
    match(await place.pim("stop", "demo"), /demo was stopped by its guest agent/);
    match(await place.pim("stop", "demo"), /demo is not running/);
    strictEqual(JSON.parse(await place.pim("ps", "--json")).length, 0);
  });

  await t.step(
    "the next run finds the disk as it was; without an agent the power button stops it",
    async () => {
      await place.pim("run", "demo", "--wait", "agent", "--timeout", "300");
      strictEqual(await place.pim("exec", "demo", "--", "cat", "/root/mark"), "kept\n");
      await place.pim("ssh", "demo", "--", "true");
      // Not at once: the agent has to say that it has done it.
      const stopAgent = ["systemd-run", "--on-active=1", "systemctl", "stop", "qemu-guest-agent"];
      await place.pim("exec", "demo", "--", ...stopAgent);
      await waitUntilAgentIsGone(place);
      match(await place.pim("stop", "demo"), /demo was stopped by the power button/);
    },
  );

  await t.step("a snapshot keeps nothing, however it ends", async () => {
    await place.pim("rm", "demo");
    await place.pim("run", "demo", "--disk", "snapshot");
    deepStrictEqual([...Deno.readDirSync(join(dir, "data", "vms", "demo"))].map(({ name }) => name).sort(), [
      "serial.log",
      "vm.json",
    ]);
    const [vm] = JSON.parse(await place.pim("ps", "--json"));
    Deno.kill(vm.pid, "SIGKILL");
    match((await place.try("ps")).stderr, /demo: QEMU ended unexpectedly/);
    deepStrictEqual([...Deno.readDirSync(join(dir, "data", "vms"))], []);
  });
});

async function waitUntilAgentIsGone(place: Home): Promise<void> {
  for (let left = 60; left > 0; left--) {
    const result = await place.try("ga", "demo", "guest-ping", "--timeout", "1");
    if (result.code !== 0) return match(result.stderr, /guest agent of demo/);
  }
  throw new Error("the guest agent still answers");
}

/** Decodes the header and all pixels of a PNG (W3C PNG, 5 and 10): a file cut off does not get through. */
function decodePng(bytes: Uint8Array): { readonly width: number; readonly height: number } {
  const png = Buffer.from(bytes);
  strictEqual(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  const data: Buffer[] = [];
  let last = "";
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    last = png.toString("latin1", at + 4, at + 8);
    if (last === "IDAT") data.push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  strictEqual(last, "IEND");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const [depth, colour] = [png[24] ?? 0, png[25] ?? 0];
  const samples = new Map([[0, 1], [2, 3], [3, 1], [6, 4]]).get(colour) ?? 0;
  strictEqual(inflateSync(Buffer.concat(data)).length, height * (1 + Math.ceil(width * samples * depth / 8)));
  return { width, height };
}
