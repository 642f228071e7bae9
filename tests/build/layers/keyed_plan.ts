import { writeFileAtomic } from "../../../lib/files.ts";
import { type BuildPlan, type BuildRequest, planBuild } from "../../../lib/build/plan.ts";
import type { KeptLayer } from "../../../lib/build/layers/record.ts";
import { layerFiles } from "../../../lib/build/layers/store.ts";
import { digestSecretFile } from "../../../lib/paths.ts";
import { type Places, places } from "../places.ts";

/** The files of a config whose profile `web` has three scripts and an ISO that needs not be there. */
export function webConfig(profile = ""): Record<string, string> {
  return {
    "isos.d/small.yml": `small:\n  url: https://example.org/small.iso\n  checksum: sha256:${
      "1".repeat(64)
    }\n  architecture: amd64\n`,
    "profiles.d/web.ts":
      `export default { iso: "small", installer: "debian", password: "kept secret", scripts: ["one", "two"], ${profile} };\n`,
    "scripts.d/base.sh": "#!/bin/sh\necho base\n",
    "scripts.d/one.sh": "#!/bin/sh\necho one\n",
    "scripts.d/two.sh": "#!/bin/sh\necho two\n",
  };
}

/** Plans a build of `web`; its keys are known. */
export async function planWeb(place: Places, request: Partial<BuildRequest> = {}): Promise<BuildPlan> {
  return await planBuild(await place.config(), { profile: "web", architecture: "amd64", ...request });
}

/**
 * Another place of the same user, whose config differs in these files. (In the same place a profile that was loaded
 * stays as it was: a module is read once.)
 */
export async function changed(place: Places, files: Readonly<Record<string, string>>): Promise<Places> {
  const other = await places({ ...webConfig(), ...files });
  await Deno.mkdir(other.paths.dataDir, { recursive: true });
  await Deno.copyFile(digestSecretFile(place.paths), digestSecretFile(other.paths));
  return other;
}

/** The keys of a plan's layers, by step, and that of its image. */
export function keysOf({ keys }: BuildPlan): Record<string, string> {
  if (keys === undefined) throw new Error("the keys are not known");
  return { ...Object.fromEntries(keys.layers.map(({ step, key }) => [step, key])), image: keys.image };
}

/** A layer as it is listed, with what matters to a test changed. */
export function keptLayer(
  place: Places,
  plan: BuildPlan,
  step: string,
  more: Partial<KeptLayer> = {},
): KeptLayer {
  const point = plan.keys?.layers.find((each) => each.step === step);
  if (point === undefined) throw new Error(`no layer ${step}`);
  const id = more.id ?? step.replaceAll(" ", "-");
  return {
    version: 1,
    id,
    key: point.key,
    profile: plan.profile.name,
    architecture: "amd64",
    step,
    inputs: point.inputs,
    origin: { isoChecksum: `sha256:${"1".repeat(64)}`, family: "debian" },
    build: "web-amd64-20260101T000000Z",
    created: "2026-01-01T00:00:00.000Z",
    elapsedMs: 1000,
    disk: { bytes: 100, mtimeMs: 0 },
    files: layerFiles(place.paths, id),
    bytes: 100,
    lastUsed: new Date("2026-01-01T00:00:00Z"),
    ...more,
  };
}

/** Writes a layer's disk (so many bytes) and its record as a build leaves them. */
export async function writeLayer(layer: KeptLayer): Promise<void> {
  const { files, bytes: _, lastUsed: _used, damage: _damage, ...record } = layer;
  await Deno.mkdir(files.dir, { recursive: true });
  await Deno.writeFile(files.disk, new Uint8Array(record.disk.bytes));
  const { mtime } = await Deno.stat(files.disk);
  const disk = { bytes: record.disk.bytes, mtimeMs: mtime?.getTime() ?? 0 };
  await writeFileAtomic(files.record, JSON.stringify({ ...record, disk }));
}
