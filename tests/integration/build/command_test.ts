import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { openWorkspace } from "../../../lib/build/workspace.ts";
import { exists } from "../../../lib/files.ts";
import { updateRegistry } from "../../../lib/image/registry.ts";
import { buildsDir, registryFile } from "../../../lib/paths.ts";
import { type PimResult, startPim } from "../../e2e/pim.ts";
import { sampleImage } from "../../image/sample.ts";
import { type Places, places } from "../../build/places.ts";
import { makeIso, smallConfig } from "../../build/states.ts";

/** Runs the real program in these folders. */
function pim(place: Places, ...args: readonly string[]): Promise<PimResult> {
  return startPim(args, { env: place.env }).result;
}

function fails(result: PimResult, code: number, error: RegExp, hint: RegExp): void {
  equal(result.code, code, result.stderr);
  equal(result.stdout, "");
  match(result.stderr, error);
  match(result.stderr, hint);
}

const ndjson = (text: string) => text.trimEnd().split("\n").map((line) => JSON.parse(line));

Deno.test("a dry run prints what would be done, as text and as JSON, and does nothing", async () => {
  await using place = await places({
    ...smallConfig('username: "ann", password: "x"'),
    "scripts.d/base.sh": "#!/bin/sh\n",
  });
  const [text, json] = await Promise.all([
    pim(place, "build", "run", "web", "--arch", "amd64", "--dry-run"),
    pim(place, "build", "run", "web", "--arch", "amd64", "--dry-run", "--json"),
  ]);
  deepEqual([text.code, text.stderr, json.code, json.stderr], [0, "", 0, ""]);
  match(text.stdout, /^image +.*\/data\/images\/web-amd64-\d{8}T\d{6}Z\.qcow2$/m);
  match(text.stdout, /^machine +2048 MiB, 2 CPUs, disk 20G, bios, amd64$/m);
  match(text.stdout, /^scripts +.*\/scripts\.d\/base\.sh$/m);
  match(text.stdout, /^ +13\. register|^ +12\. register$/m);
  const plan = JSON.parse(json.stdout);
  deepEqual([plan.profile, plan.architecture, plan.user, plan.iso.key], ["web", "amd64", "ann", "small"]);
  deepEqual(plan.machine, { memoryMiB: 2048, cpus: 2, diskSize: "20G", firmware: "bios" });
  equal(plan.steps[0], "check host");
  ok(plan.steps.includes("script base"));
  for (const dir of [place.env.PIM_DATA_DIR!, buildsDir(place.paths), place.env.PIM_RUNTIME_DIR!]) {
    ok(!(await exists(dir)), dir);
  }
});

Deno.test("what is misspelt is wrong usage, with the nearest name", async () => {
  await using place = await places(smallConfig());
  const [profile, iso, arch, made] = await Promise.all([
    pim(place, "build", "run", "wbe"),
    pim(place, "build", "run", "web", "--arch", "amd64", "--iso", "smal"),
    pim(place, "build", "run", "web", "--arch", "mips"),
    pim(place, "build", "run", "web", "--arch", "arm64"),
  ]);
  fails(profile, 2, /^error: There is no profile wbe$/m, /^hint: Did you mean web\?$/m);
  fails(iso, 2, /^error: No ISO in the catalog is called smal$/m, /^hint: Did you mean small\?$/m);
  fails(arch, 2, /mips is not one of: amd64, arm64/, /pim build run --help/);
  fails(made, 2, /^error: The ISO small is for amd64, not for arm64$/m, /^hint: .*--arch amd64/m);
});

Deno.test("without QEMU a build exits with 3 and the command that installs it, in every form of output", async () => {
  await using place = await places(smallConfig('password: "S3cret word"'));
  await makeIso(place, { "readme": "x" });
  // A PATH without QEMU, and with a package manager.
  const bin = join(place.dir, "bin");
  await Deno.mkdir(bin);
  await Deno.writeTextFile(join(bin, "apt-get"), "#!/bin/sh\n", { mode: 0o755 });
  const without = { ...place, env: { ...place.env, PATH: bin } };
  const [plain, json] = [
    await pim(without, "build", "run", "web", "--arch", "amd64"),
    await pim(without, "build", "run", "web", "--arch", "amd64", "--json", "--console"),
  ];
  fails(
    plain,
    3,
    /^error: The build failed in step check host: qemu-system-x86_64 and qemu-img are not installed or not on PATH$/m,
    /^hint: Install it: (sudo )?apt-get install qemu-system-x86 qemu-utils$/m,
  );
  equal(json.code, 3);
  const events = ndjson(json.stdout);
  deepEqual(events.map(({ type }) => type), ["build-started", "step-started", "build-failed"]);
  const last = events.at(-1);
  deepEqual([last.step, last.exitCode], ["check host", 3]);
  match(last.hint, /apt-get install/);
  deepEqual([...Deno.readDirSync(buildsDir(place.paths))], []);
  deepEqual([...Deno.readDirSync(place.env.PIM_RUNTIME_DIR!)], []);
});

Deno.test("two builds of one profile in the same second do not collide", async () => {
  await using place = await places(smallConfig());
  await makeIso(place, { "readme": "x" });
  const results = await Promise.all(
    [1, 2, 3].map(() => pim(place, "build", "run", "web", "--arch", "amd64", "--json")),
  );
  // Each gets as far as its ISO; none trips over another's folder or sockets.
  for (const { stderr } of results) match(stderr, /small\.iso is not an installer that pim knows/);
});

const older = sampleImage("web", new Date(Date.UTC(2026, 0, 1)));
const newer = sampleImage("web", new Date(Date.UTC(2026, 0, 2)));
const server = sampleImage("web-server", new Date(Date.UTC(2026, 0, 3)));

/** Two images of web, one of web-server, of which one file is missing, and a stray file. */
async function withImages(): Promise<Places> {
  const place = await places(smallConfig());
  const imageDir = join(place.env.PIM_DATA_DIR!, "images");
  await Deno.mkdir(imageDir, { recursive: true });
  for (const image of [older, newer, server]) {
    await updateRegistry(registryFile(place.paths), (registry) => registry.add(image));
  }
  for (const name of [older.file, newer.file, "stray.qcow2"]) {
    await Deno.writeTextFile(join(imageDir, name), "image");
  }
  return place;
}

Deno.test("images are listed and shown, missing and unregistered files named", async () => {
  await using place = await withImages();
  const [list, long, json, show, image, unknown] = await Promise.all([
    pim(place, "build", "list"),
    pim(place, "build", "list", "-l"),
    pim(place, "build", "list", "--json"),
    pim(place, "build", "show", "web"),
    pim(place, "build", "show", older.name, "--json"),
    pim(place, "build", "show", "wbe"),
  ]);
  equal(list.stdout, `${older.name}\n${newer.name}\n${server.name}\n`);
  match(list.stderr, /^note: .*\/stray\.qcow2 is not in the registry$/m);
  match(long.stdout, new RegExp(`^${older.name} +5 B +20 GiB +bios `, "m"));
  match(long.stdout, new RegExp(`^${server.name} +missing `, "m"));
  const data = JSON.parse(json.stdout);
  deepEqual([data.images.length, data.unregistered.length], [3, 1]);
  match(show.stdout, new RegExp(`^image +${newer.name}$`, "m"));
  equal(JSON.parse(image.stdout).path, join(place.env.PIM_DATA_DIR!, "images", older.file));
  fails(unknown, 2, /^error: There is no image "wbe"$/m, /^hint: Did you mean web\?$/m);
});

Deno.test("nothing built yet is no error, and says how to begin", async () => {
  await using place = await places(smallConfig());
  const [list, json, status, clean] = await Promise.all([
    pim(place, "build", "list"),
    pim(place, "build", "list", "--json"),
    pim(place, "build", "status"),
    pim(place, "build", "clean"),
  ]);
  deepEqual([list.code, json.code, status.code, clean.code], [0, 0, 0, 0]);
  match(list.stdout, /pim build run PROFILE/);
  deepEqual(JSON.parse(json.stdout), { images: [], unregistered: [] });
  match(status.stdout, /No build is running/);
  match(clean.stdout, /nothing to remove/);
});

/** A folder that a failed build of this profile left. */
async function leftover(place: Places, name: string, keep: "logs" | "everything"): Promise<string> {
  await using workspace = await openWorkspace(place.paths, name);
  ok(workspace);
  const failure = { type: "build-failed", step: "install", reason: "no luck\nat all", exitCode: 6 };
  await Deno.writeTextFile(workspace.files.events, `${JSON.stringify(failure)}\n`);
  await Deno.writeTextFile(workspace.files.disk, "disk");
  workspace.keep(keep);
  return workspace.dir;
}

Deno.test("status tells running builds from failed ones, and clean removes only the latter", async () => {
  await using place = await withImages();
  const web = await leftover(place, "web-amd64-20260101T000000Z", "logs");
  const kept = await leftover(place, "web-server-amd64-20260102T000000Z", "everything");
  await using running = await openWorkspace(place.paths, "web-amd64-20260103T000000Z");
  ok(running);

  const status = await pim(place, "build", "status");
  match(status.stdout, /^web-amd64-20260101T000000Z +failed +failed in step install: no luck$/m);
  match(status.stdout, /^web-server-amd64-20260102T000000Z +failed, disk kept +failed in step/m);
  match(status.stdout, /^web-amd64-20260103T000000Z +running/m);
  const json = JSON.parse((await pim(place, "build", "status", "--json")).stdout);
  deepEqual(json.map((each: { running: boolean }) => each.running), [false, false, true]);

  const dry = await pim(place, "build", "clean", "web", "--dry-run");
  equal(dry.stdout, `would remove ${web}\n`, "web-server is another profile");
  ok(await exists(web));
  equal((await pim(place, "build", "clean", "web")).stdout, `removed ${web}\n`);
  equal((await pim(place, "build", "clean")).stdout, `removed ${kept}\n`);
  ok(await exists(running.dir), "the running build's folder stays");
});

Deno.test("clean --keep removes all but the newest images of each profile", async () => {
  await using place = await withImages();
  const image = join(place.env.PIM_DATA_DIR!, "images", older.file);
  const dry = await pim(place, "build", "clean", "--keep", "1", "--dry-run", "--json");
  deepEqual(JSON.parse(dry.stdout), { removed: [image], kept: [], dryRun: true });
  equal((await pim(place, "build", "clean", "--keep", "1")).stdout, `removed ${image}\n`);
  ok(!(await exists(image)));
  equal((await pim(place, "build", "list")).stdout, `${newer.name}\n${server.name}\n`);
  fails(
    await pim(place, "build", "clean", "--keep", "x"),
    2,
    /x is not a whole number/,
    /pim build clean --help/,
  );
});
