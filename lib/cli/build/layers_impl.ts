import { type Explained, explainLayers } from "../../build/layers/explain.ts";
import { layersInUse } from "../../build/layers/in_use.ts";
import { pruneLayers } from "../../build/layers/prune.ts";
import { listLayers } from "../../build/layers/store.ts";
import { type BuildPlan, planBuild } from "../../build/plan.ts";
import { unchangedImage } from "../../build/unchanged.ts";
import { hideSecret } from "../../log.ts";
import type { PlanFlags, PruneFlags } from "./layers.ts";
import type { PimContext } from "../context.ts";
import { countOf } from "../count.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import { checkKnownProfile } from "./known_profile.ts";
import { vmUsers } from "../vm_users.ts";

/** `pim build plan PROFILE` */
export async function plan(this: PimContext, flags: PlanFlags, profile: string): Promise<void> {
  const config = await this.config();
  const { arch, iso, from, cache } = flags;
  const plan = await planBuild(config, { profile, architecture: arch, iso, from, cache });
  hideSecret(plan.profile.password);
  const steps = explainLayers(plan, await listLayers(config.paths));
  const image = await unchangedImage(plan);
  if (flags.json) {
    const { keys, architecture } = plan;
    const data = {
      profile,
      architecture,
      image: image?.name,
      key: keys?.image,
      steps,
      inputs: inputsOf(plan),
    };
    return this.print(JSON.stringify(data, null, 2));
  }
  if (steps === undefined) {
    return this.print(
      `What a build of ${profile} could reuse is known when its ISO is: pim iso download ${plan.iso.key}`,
    );
  }
  if (image !== undefined) {
    this.print(`Nothing has changed since ${image.name} was built: a build answers with it.\n`);
  }
  this.print(await planTable(steps, flags.long));
}

function inputsOf({ keys }: BuildPlan): unknown {
  return Object.fromEntries(keys?.layers.map(({ step, inputs }) => [step, inputs]) ?? []);
}

async function planTable(steps: readonly Explained[], long: boolean): Promise<string> {
  const { default: prettyMs } = await import("pretty-ms");
  return table(
    ["STEP", "DOES", "LAST TOOK", "KEY", "WHY"],
    steps.map(({ step, action, lastMs, key, why }) => [
      step,
      action === "run" ? "runs" : "is reused",
      lastMs === undefined ? "" : prettyMs(lastMs, { secondsDecimalDigits: 0 }),
      (long ? key : key?.slice(0, 12)) ?? "",
      why,
    ]),
  );
}

/** `pim build layers` */
export async function layers(this: PimContext, flags: JsonFlags, profile?: string): Promise<void> {
  const config = await this.config();
  const all = await listLayers(config.paths);
  const users = await layersInUse(config, all, await vmUsers(config.paths));
  await checkKnownProfile(config, profile, all.map((layer) => layer.profile));
  const shown = all.filter((layer) => profile === undefined || layer.profile === profile);
  if (flags.json) {
    const data = shown.map(({ files, ...layer }) => ({
      ...layer,
      path: files.disk,
      user: users.get(layer.id),
    }));
    return this.print(JSON.stringify(data, null, 2));
  }
  if (shown.length === 0) return this.print("No layers yet. Builds keep them: pim build run PROFILE");
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  this.print(table(
    ["LAYER", "PROFILE", "AFTER", "DISK", "MEMORY", "LAST USED", "STATE"],
    shown.map((layer) => [
      layer.id,
      layer.profile,
      layer.step,
      size(layer.disk.bytes),
      layer.memory === undefined ? "" : size(layer.memory.bytes),
      layer.lastUsed.toISOString().slice(0, 19).replace("T", " "),
      layer.damage === undefined ? inUse(users.get(layer.id)) : `damaged: ${layer.damage}`,
    ]),
  ));
}

function inUse(user: string | undefined): string {
  return user === undefined ? "" : `needed by ${user}`;
}

/** `pim build prune` */
export async function prune(this: PimContext, flags: PruneFlags): Promise<void> {
  const config = await this.config();
  const { removed, strays, freedBytes, keptBytes } = await pruneLayers(
    config,
    { olderThanMs: flags.olderThan, maxBytes: flags.maxSize },
    { dryRun: flags.dryRun, vmsUsing: await vmUsers(config.paths), signal: this.signal },
  );
  if (flags.json) {
    return this.print(JSON.stringify(
      {
        removed: removed.map(({ layer: { id, profile, step, bytes }, why }) => ({
          id,
          profile,
          step,
          bytes,
          why,
        })),
        strays,
        freedBytes,
        keptBytes,
        dryRun: flags.dryRun,
      },
      null,
      2,
    ));
  }
  const verb = flags.dryRun ? "would remove" : "removed";
  for (const { layer, why } of removed) {
    this.print(`${verb} ${layer.id} (${layer.profile}, ${layer.step}): ${why}`);
  }
  for (const dir of strays) this.print(`${verb} ${dir}: no layer`);
  const { default: prettyBytes } = await import("pretty-bytes");
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  this.print(
    removed.length + strays.length === 0
      ? `There is nothing to remove. The layers take ${size(keptBytes)}.`
      : `${countOf(removed.length, "layer")}, ${size(freedBytes)}; ${size(keptBytes)} stay.`,
  );
}
