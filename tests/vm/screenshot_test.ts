import assert from "node:assert/strict";
import { join } from "node:path";
import { HostError, PimError, UsageError } from "../../lib/errors.ts";
import { filesOfVm, runtimeFiles } from "../../lib/paths.ts";
import { sizeOfPng } from "../../lib/vm/screenshot/png.ts";
import { takeScreenshot } from "../../lib/vm/screenshot/screenshot.ts";
import { screenshotFile } from "../../lib/vm/screenshot/screenshot_file.ts";
import type { RunningVm } from "../../lib/vm/vms.ts";
import { tempDir } from "../base/temp.ts";
import { fakeServer } from "../qemu/fake_server.ts";
import { smallVms } from "./small_vms.ts";

const names = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("pim screenshot saves what a VM shows and prints where", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  const folder = join(vms.dir, "shots");
  await Deno.mkdir(folder);
  const { stdout } = await vms.pim("screenshot", "de", folder);
  assert.match(stdout, new RegExp(`^${folder}/demo-\\d{8}T\\d{6}Z\\.png\n$`));
  const png = await Deno.readFile(stdout.trim());
  const size = sizeOfPng(png);
  assert(size !== undefined && size.width >= 320 && size.height >= 200);
  const file = join(folder, "a.png");
  const json = await vms.pim("screenshot", "demo", file, "--json");
  assert.deepEqual(JSON.parse(json.stdout), { name: "demo", file, ...size });
  assert.deepEqual(await Deno.readFile(file), png);
  assert.deepEqual(names(folder).length, 2);
  assert(!names(vms.places.runtimeDir).includes("demo.png"), "nothing is left of it");
});

Deno.test("a PNG counts only when it is there to its last byte", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const { png, width, height } = await takeScreenshot(vm);
  assert.deepEqual(sizeOfPng(png), { width, height });
  for (const length of [0, 7, 8, 20, 33, 100, png.length - 12, png.length - 1]) {
    assert.equal(sizeOfPng(png.subarray(0, length)), undefined, `${length} of ${png.length}`);
  }
  assert.equal(sizeOfPng(png.map((byte, index) => index === 1 ? 0 : byte)), undefined);
});

Deno.test("a screenshot goes where it was asked to, or beside the others", async () => {
  await using dir = await tempDir({
    "there.png": "\x89PNG",
    "empty": "",
    "text": "words",
    "shots/.keep": "",
  });
  const at = (name: string) => join(dir.path, name);
  await Deno.writeFile(at("there.png"), new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1]));
  await Deno.symlink(at("there.png"), at("link"));
  const now = new Date("2026-03-04T05:06:07.890Z");
  const cases: [string | undefined, string][] = [
    [undefined, "demo-20260304T050607Z.png"],
    ["shots", "shots/demo-20260304T050607Z.png"],
    ["shots/", "shots/demo-20260304T050607Z.png"],
    ["new.png", "new.png"],
    ["shots/new", "shots/new"],
    ["NEW.PNG", "NEW.PNG"],
    ["there.png", "there.png"],
    ["link", "there.png"],
    ["empty", "empty"],
  ];
  for (const [named, path] of cases) {
    assert.equal(await screenshotFile("demo", named, dir.path, now), at(path), named);
  }
  await dir.write("demo-20260304T050607Z.png", "");
  assert.equal(await screenshotFile("demo", undefined, dir.path, now), at("demo-20260304T050607Z-2.png"));
  const wrong: [string, string][] = [
    ["text", `${at("text")} is there already, and is no PNG`],
    ["/dev/null", "/dev/null is there already, and is no PNG"],
    ["none/a.png", `There is no folder ${at("none")}`],
    ["none/", `There is no folder ${at("none")}`],
    ["text/a.png", `There is no folder ${at("text")}`],
    ["a.jpg", "A screenshot is a PNG, not .jpg"],
  ];
  for (const [named, message] of wrong) {
    await assert.rejects(screenshotFile("demo", named, dir.path, now), (error) => {
      assert(error instanceof UsageError && error.hint !== undefined);
      assert.equal(error.message, message);
      return true;
    });
  }
});

/** What is said when QEMU of this version, asked for a screenshot, does this. */
async function failure(
  version: [major: number, minor: number],
  answer: (file: string) => Promise<object> | object,
): Promise<PimError> {
  await using dir = await tempDir();
  await using server = await fakeServer(async (peer) => {
    const [major, minor] = version;
    const greeting = { QMP: { version: { qemu: { major, minor, micro: 0 } }, capabilities: [] } };
    await peer.write(`${JSON.stringify(greeting)}\n`);
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      const { execute, id, arguments: args } = request as {
        execute: string;
        id: string;
        arguments: { filename: string };
      };
      const said = execute === "screendump" ? await answer(args.filename) : { return: {} };
      await peer.write(`${JSON.stringify({ ...said, id })}\n`);
    }
  });
  const files = { ...runtimeFiles(dir.path, "demo"), qmp: server.path };
  const vm: RunningVm = {
    ...{ name: "demo", pid: 1, files, folder: filesOfVm(dir.path) },
    ...{ definition: undefined, record: undefined, problem: undefined },
  };
  try {
    await takeScreenshot(vm);
  } catch (error) {
    assert.deepEqual(names(dir.path), [], "nothing is left of it");
    assert(error instanceof PimError, String(error));
    return error;
  }
  return assert.fail("a screenshot was taken");
}

Deno.test("what keeps a screenshot from being taken is told in words", async () => {
  const refuse = (desc: string) => () => ({ error: { class: "GenericError", desc } });
  const old = await failure([7, 0], () => assert.fail("it was asked"));
  assert(old instanceof HostError);
  assert.equal(old.message, "QEMU 7.0.0 cannot write a screenshot as PNG: that needs 7.1 or later");
  const blind = await failure([7, 2], refuse("There is no console to take a screendump from"));
  assert(blind instanceof UsageError);
  assert.equal(blind.message, "demo has no display to take a screenshot of");
  assert.match(blind.hint ?? "", /pim run demo --vnc/);
  const plain = await failure([8, 0], refuse("Enable PNG support with libpng for screendump"));
  assert(plain instanceof HostError);
  const full = await failure([10, 0], refuse("PNG creation failed. No space left on device"));
  assert.equal(full.message, "No screenshot of demo: PNG creation failed. No space left on device");
  const half = await failure([7, 1], async (file) => {
    await Deno.writeFile(file, new Uint8Array([0x89, 0x50]));
    return { return: {} };
  });
  assert.equal(half.message, "What QEMU wrote as a screenshot of demo is no whole PNG");
});
