import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { withKeys } from "../../lib/build/plan.ts";
import { createDisk } from "../../lib/build/steps/create_disk.ts";
import { ensureIso } from "../../lib/build/steps/ensure_iso.ts";
import { extractKernel } from "../../lib/build/steps/extract_kernel.ts";
import { flatten } from "../../lib/build/steps/flatten.ts";
import { register } from "../../lib/build/steps/register.ts";
import type { KeptLayer } from "../../lib/build/layers/record.ts";
import type { Flattened, PoweredOff } from "../../lib/build/states.ts";
import { CancelledError, PimError, UsageError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { listImages } from "../../lib/image/images.ts";
import { readManifest } from "../../lib/image/manifest.ts";
import { debian } from "../../lib/installer/debian.ts";
import { configureLog } from "../../lib/log.ts";
import { registryFile } from "../../lib/paths.ts";
import { run } from "../../lib/process.ts";
import { checkImage, imageInfo } from "../../lib/qemu/img.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import { sampleManifest } from "../image/sample_manifest.ts";
import { spdxProblems } from "../image/spdx_rules.ts";
import { type Places, places } from "./places.ts";
import { hostReady, makeIso, smallConfig, told } from "./states.ts";

configureLog({ write: () => {} });

const debianIso = {
  ".disk/info": 'Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST 20240210-11:27',
  "install.amd/vmlinuz": "the kernel",
  "install.amd/initrd.gz": "the initrd",
};
const signal = new AbortController().signal;
const { system, packages } = sampleManifest();

Deno.test("kernel and initrd come out of the ISO, and the disk has the profile's size", async () => {
  await using place = await places(smallConfig('build: { diskSize: "64M" }'));
  await makeIso(place, debianIso);
  await using state = await hostReady(place);
  await using context = told();
  const iso = await ensureIso.run(state, context);
  const boot = await extractKernel.run(iso, context);
  equal(boot.installer, debian);
  equal(await Deno.readTextFile(boot.kernel), "the kernel");
  equal(await Deno.readTextFile(boot.initrd), "the initrd");
  match(context.lines.at(-1) ?? "", /^Debian 12\.5\.0 \/install\.amd\/vmlinuz$/);
  const { disk, efiVars } = await createDisk.run(boot, context);
  equal((await imageInfo(disk, { qemuImg: state.host.qemuImg })).virtualBytes, 64 * 1024 ** 2);
  equal(efiVars, undefined);
});

const wrongIsos: readonly (readonly [string, Record<string, string>, RegExp, RegExp])[] = [
  ["is no installer", { "readme": "x" }, /small\.iso is not an installer that pim knows/, /debian or ubuntu/],
  [
    "is for another architecture",
    { ...debianIso, ".disk/info": debianIso[".disk/info"].replace("amd64", "arm64") },
    /small\.iso is for arm64, and this build is for amd64/,
    /--iso.*--arch/,
  ],
  [
    "has no kernel where it should be",
    { ".disk/info": debianIso[".disk/info"] },
    /no Debian kernel in the usual places: \/install\.amd\/vmlinuz, \/linux/,
    /^$/,
  ],
];
for (const [what, files, message, hint] of wrongIsos) {
  Deno.test(`an ISO that ${what} is wrong usage`, async () => {
    await using place = await places(smallConfig());
    await makeIso(place, files);
    await using state = await hostReady(place);
    await using context = told();
    const iso = await ensureIso.run(state, context);
    await rejects(extractKernel.run(iso, context), (error) => {
      ok(error instanceof UsageError, String(error));
      match(error.message, message);
      match(error.hint ?? "", hint);
      return true;
    });
  });
}

/** A build whose machine is off, with a megabyte of data on its disk. */
async function poweredOff(place: Places): Promise<PoweredOff & AsyncDisposable> {
  await makeIso(place, debianIso);
  const state = await hostReady(place);
  await using context = told();
  const boot = await extractKernel.run(await ensureIso.run(state, context), context);
  const ready = await createDisk.run(boot, context);
  const { qemuImg } = state.host;
  const raw = join(place.dir, "content.raw");
  await Deno.writeFile(raw, crypto.getRandomValues(new Uint8Array(65_536)));
  await run([qemuImg, "convert", "-O", "qcow2", raw, ready.disk]);
  await Deno.writeTextFile(state.workspace.files.serialLog, "serial\n");
  await Deno.writeTextFile(state.workspace.files.buildLog, "log\n");
  await Deno.writeTextFile(state.workspace.files.events, "{}\n");
  return {
    ...ready,
    plan: await withKeys(ready.plan, ready.origin),
    buildKey: await generateKeyPair("test"),
    inventory: { system, packages },
    [Symbol.asyncDispose]: () => state.workspace[Symbol.asyncDispose](),
  };
}

const imagesOf = (place: Places) =>
  listImages({ registryPath: registryFile(place.paths), imageDir: join(place.env.PIM_DATA_DIR!, "images") });

Deno.test("the finished disk becomes a sound image, registered with what is known of it", async () => {
  await using place = await places(smallConfig('username: "ann"'));
  await using state = await poweredOff(place);
  await using context = told();
  const flat = await flatten.run(state, context);
  deepEqual(await imagesOf(place), { images: [], unregistered: [] }, "no image before it is registered");
  const built = await register.run(flat, context);
  await context.undo.disposeAsync();

  equal(built.path, join(place.env.PIM_DATA_DIR!, "images", `${state.plan.name}.qcow2`));
  equal((await checkImage(built.path, { qemuImg: state.host.qemuImg })).corruptions, 0);
  const { images: [image], unregistered } = await imagesOf(place);
  ok(image);
  deepEqual(unregistered, []);
  const content = await Deno.readFile(built.path);
  deepEqual(
    [image.name, image.profile, image.username, image.iso.key, image.bytes, image.diskBytes, image.sha256],
    [
      state.plan.name,
      "web",
      "ann",
      "small",
      content.length,
      content.length,
      createHash("sha256").update(content).digest("hex"),
    ],
  );
  const folder = join(place.env.PIM_DATA_DIR!, "images");
  deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
    `${image.name}.build.log`,
    `${image.name}.build.ndjson`,
    `${image.name}.manifest.json`,
    `${image.name}.qcow2`,
    `${image.name}.serial.log`,
    `${image.name}.spdx.json`,
  ]);
});

Deno.test("an image is compressed unless the setting says otherwise, and holds the same", async () => {
  const build = async (compression: Record<string, string>) => {
    const place = await places(smallConfig(), compression);
    const state = await poweredOff(place);
    const { qemuImg } = state.host;
    const raw = join(place.dir, "words.raw");
    await Deno.writeTextFile(raw, "the same words again and again\n".repeat(40_000));
    await run([qemuImg, "convert", "-O", "qcow2", raw, state.disk]);
    const context = told();
    const { part, imageBytes } = await flatten.run(state, context);
    await run([qemuImg, "compare", "-f", "raw", "-F", "qcow2", raw, part]);
    for (const each of [context, state, place]) await each[Symbol.asyncDispose]();
    return imageBytes;
  };
  const [plain, compressed] = [await build({ PIM_BUILD_COMPRESSION: "none" }), await build({})];
  ok(compressed < plain / 2, `${compressed} and ${plain} bytes`);
});

Deno.test("beside an image lie its manifest and its bill of materials", async () => {
  await using place = await places({ ...smallConfig(), "scripts.d/base.sh": "#!/bin/sh\n" });
  await using state = await poweredOff(place);
  await using context = told();
  const flat = await flatten.run(state, context);
  const done = [{ step: "check host", elapsedMs: 12 }, { step: "flatten", elapsedMs: 34 }];
  const built = await register.run(flat, { ...context, done });
  const { images: [image] } = await imagesOf(place);
  ok(image?.manifest && image.sbom);
  const folder = join(built.path, "..");
  const manifest = await readManifest(join(folder, image.manifest));
  equal(manifest.image.sha256, image.sha256);
  deepEqual(manifest.installer, { family: "debian", version: "12.5.0" });
  deepEqual(manifest.iso.checksum, image.iso.checksum);
  deepEqual(manifest.scripts, [{
    name: "base",
    sha256: createHash("sha256").update("#!/bin/sh\n").digest("hex"),
  }]);
  deepEqual([manifest.system, manifest.packages, manifest.steps], [system, packages, done]);
  deepEqual(manifest.layers.map(({ step, reused }) => [step, reused]), [
    ["install", false],
    ["start installed system", false],
    ["script base", false],
  ]);
  ok(manifest.digestId);
  match(image.key ?? "", /^[0-9a-f]{64}$/);
  deepEqual(spdxProblems(JSON.parse(await Deno.readTextFile(join(folder, image.sbom)))), []);
});

Deno.test("a manifest tells which layers were there already, and no login of a mirror", async () => {
  await using place = await places({ ...smallConfig(), "scripts.d/base.sh": "#!/bin/sh\n" });
  await using state = await poweredOff(place);
  await using context = told();
  const flat = await flatten.run(state, context);
  const plan = { ...state.plan, iso: { ...state.plan.iso, url: "https://ann:S3cret@example.org/small.iso" } };
  const from = { step: "start installed system" } as KeptLayer;
  const built = await register.run({ ...flat, plan, from }, context);
  const manifest = await readManifest(built.path.replace(/qcow2$/, "manifest.json"));
  deepEqual(manifest.layers.map(({ reused }) => reused), [true, true, false]);
  equal(manifest.iso.url, "https://example.org/small.iso");
});

Deno.test("a build that is cancelled before it registers leaves nothing among the images", async () => {
  await using place = await places(smallConfig());
  await using state = await poweredOff(place);
  {
    await using context = told();
    await flatten.run(state, context);
  }
  deepEqual([...Deno.readDirSync(join(place.env.PIM_DATA_DIR!, "images"))], []);
  const controller = new AbortController();
  controller.abort(new CancelledError());
  {
    await using context = told(controller.signal);
    await rejects(flatten.run(state, context), CancelledError);
  }
  deepEqual([...Deno.readDirSync(join(place.env.PIM_DATA_DIR!, "images"))], []);
});

Deno.test("an image that cannot be registered stays, and the error says where", async () => {
  await using place = await places(smallConfig());
  await using state = await poweredOff(place);
  await Deno.mkdir(place.env.PIM_DATA_DIR!, { recursive: true });
  await Deno.writeTextFile(registryFile(place.paths), "images: [what\n");
  let flat: Flattened;
  {
    await using context = told(signal);
    flat = await flatten.run(state, context);
    await rejects(register.run(flat, context), (error) => {
      ok(error instanceof PimError);
      match(error.message, /The image is complete, but it could not be registered: .*damaged/);
      match(error.hint ?? "", /It stays as .*\.qcow2\. Nothing was changed, and a copy is in /);
      return true;
    });
  }
  ok(await exists(flat.part.replace(/\.part$/, "")));
  ok(!(await exists(flat.part)));
});
