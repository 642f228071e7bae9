import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Explained } from "../../../lib/build/layers/explain.ts";
import type { KeptLayer } from "../../../lib/build/layers/record.ts";
import { boot } from "../../demo/boot.ts";
import { demoImage } from "../demo_image.ts";
import { eventsOf, type OverLayers, overLayers, stepsOf } from "./over_layers.ts";
import type { PimResult } from "../pim.ts";

const atEnd = ["inventory", "finalize", "power off", "flatten", "register"];
const script = (text: string) => `#!/bin/sh\nset -eu\n${text}\n`;

async function build(place: OverLayers, args: readonly string[] = ["demo"]): Promise<PimResult> {
  const result = await place.pim(["build", "run", ...args, "--json"]);
  strictEqual(result.code, 0, result.stderr);
  return result;
}

async function plan(place: OverLayers, profile = "demo"): Promise<Map<string, Explained>> {
  const { stdout } = await place.pim(["build", "plan", profile, "--json"]);
  const { steps } = JSON.parse(stdout) as { steps: Explained[] };
  return new Map(steps.map((row) => [row.step, row]));
}

type Layer = KeptLayer & { readonly path: string };

/** The layers that there are, or those of one build: other tests keep theirs in the same place. */
async function layers(place: OverLayers, build?: string): Promise<Layer[]> {
  const all: Layer[] = JSON.parse((await place.pim(["build", "layers", "--json"])).stdout);
  return build === undefined ? all : all.filter((layer) => layer.build === build);
}

/** The progress that a step told, as one text. */
function toldBy(result: PimResult, step: string): string {
  return eventsOf(result)
    .map((event) => event.type === "progress" && event.step === step ? event.text : "")
    .join("\n");
}

Deno.test("a build over layers of earlier ones", async (t) => {
  await using place = await overLayers();
  const demoBuild = (await demoImage()).events[0]?.build ?? "";

  await t.step(
    "the demo's own build kept a layer of every step, and memory where a rebuild is to be fast",
    async () => {
      const rows = [...(await plan(place)).values()];
      deepStrictEqual(rows.map(({ action }) => action), ["reuse", "reuse", "reuse", "reuse", "reuse", "run"]);
      const warm = (await layers(place, demoBuild)).filter(({ memory }) => memory !== undefined);
      deepStrictEqual(warm.map(({ step }) => step), ["start installed system", "script demo"]);
    },
  );

  await t.step("after a change of the last script only that one runs, without a boot", async () => {
    await place.write({ "scripts.d/motd.sh": script("echo edited > /etc/motd") });
    strictEqual((await plan(place)).get("script motd")?.why, "scripts.d/motd.sh changed");
    const result = await build(place);
    deepStrictEqual(stepsOf(eventsOf(result)), [
      "check host",
      "take layer",
      "start installed system",
      "script motd",
      ...atEnd,
    ]);
    match(toldBy(result, "start installed system"), /taking up the machine's memory/);
    ok(!/boots/.test(result.stderr), result.stderr);
  });

  await t.step("nothing changed: the registry answers, and nothing is started", async () => {
    const result = await build(place);
    deepStrictEqual(eventsOf(result).map(({ type }) => type), ["build-unchanged"]);
    const [event] = eventsOf(result);
    ok(event?.type === "build-unchanged");
    ok((await Deno.stat(event.path)).isFile);
    const plain = await place.pim(["build", "run", "demo"]);
    match(plain.stderr, /nothing has changed since demo-amd64-\S+ was built/);
    strictEqual(plain.stdout.trim(), event.path);
  });

  await t.step("the image has what the last script wrote, and what the reused ones did", async () => {
    const [image] = [...Deno.readDirSync(place.imageDir)].filter(({ name }) => name.endsWith(".qcow2"));
    await using vm = await boot(join(place.imageDir, image?.name ?? ""));
    strictEqual(await vm.root("cat /etc/motd"), "edited");
    strictEqual(await vm.root("cat /etc/pim-demo"), "demo amd64");
    strictEqual(await vm.root("grep -rl pim-build /etc /home /root || true"), "");
    const clock = Number(await vm.root("date +%s")) * 1000;
    ok(Math.abs(clock - Date.now()) < 60_000, "its clock is right");
    const provisioned = Date.parse(await vm.root("stat -c %y /etc/motd"));
    ok(Date.now() - provisioned < 3_600_000, "the clock was right too when the script ran from kept memory");
  });

  await t.step("a torn memory is found out: then the layer's disk is booted", async () => {
    await place.write({ "scripts.d/motd.sh": script("echo once more > /etc/motd") });
    const warm = (await layers(place, demoBuild)).findLast(({ memory }) => memory !== undefined);
    strictEqual(warm?.step, "script demo");
    await Deno.truncate(join(warm.path, "../memory"), 4096);
    const result = await build(place);
    match(result.stderr, /cannot go on, so it boots: its memory was changed/);
    deepStrictEqual(stepsOf(eventsOf(result)).slice(2, 4), ["start installed system", "script motd"]);
    strictEqual((await layers(place)).find(({ id }) => id === warm.id)?.memory, undefined);
  });

  await t.step("after a change of the first script all of them run, from the started system on", async () => {
    await place.write({
      "scripts.d/base.sh": script("systemctl stop qemu-guest-agent\necho new > /etc/pim-base"),
    });
    const rows = await plan(place);
    deepStrictEqual(
      ["install", "script base", "script demo"].map((step) => rows.get(step)?.why),
      ["unchanged", "scripts.d/base.sh changed", "follows script base"],
    );
    const result = await build(place);
    match(toldBy(result, "start installed system"), /taking up the machine's memory/);
    deepStrictEqual(stepsOf(eventsOf(result)).slice(2), [
      "start installed system",
      "script base",
      "script demo",
      "script motd",
      ...atEnd,
    ]);
    // That script also took the guest agent away: layers are kept without it, but no memory.
    const made = await layers(place, eventsOf(result)[0]?.build ?? "");
    const kept = made.filter(({ agent }) => agent === false);
    deepStrictEqual(kept.map(({ step }) => step), ["script base", "script demo", "script motd"]);
    ok(kept.every(({ memory }) => memory === undefined));
  });

  await t.step(
    "what was changed in a layer after it was made makes it useless, and prune removes it",
    async () => {
      const last = (await layers(place)).findLast(({ step }) => step === "script motd");
      await Deno.writeTextFile(last?.path ?? "", "scribble", { append: true });
      const rows = await plan(place);
      match(rows.get("script motd")?.why ?? "", /its disk was changed after it was made/);
      strictEqual(rows.get("script demo")?.action, "reuse");
      const pruned = JSON.parse((await place.pim(["build", "prune", "--json"])).stdout);
      deepStrictEqual(pruned.removed.map(({ id }: { id: string }) => id), [last?.id]);
    },
  );

  deepStrictEqual([...Deno.readDirSync(place.buildsDir)].filter(({ isDirectory }) => isDirectory), []);
  deepStrictEqual(
    [...Deno.readDirSync(place.runtimeDir)].filter(({ isFile }) => !isFile).map(({ name }) => name),
    [],
  );
});
