import type { Config } from "../../config/config.ts";
import { removeIfThere } from "../../files.ts";
import { parseDiskSize } from "../../qemu/disk_size.ts";
import { layersInUse, type LayerUsers } from "./in_use.ts";
import type { KeptLayer } from "./record.ts";
import { listLayers, lockLayers, strayFolders } from "./store.ts";

/** Which layers shall go, beside those that no build can ever use. */
export interface PruneLimits {
  /** Those that were not used for longer, in milliseconds. */
  readonly olderThanMs?: number;
  /** So many, the longest unused first, that the others fit into this. */
  readonly maxBytes?: number;
}

/** A layer that goes, and why. */
export interface Pruned {
  readonly layer: KeptLayer;
  readonly why: string;
}

/** What pruning did, or would do. */
export interface PruneResult {
  readonly removed: readonly Pruned[];
  /** Remains of layers, which no build could take for one. */
  readonly strays: readonly string[];
  readonly freedBytes: number;
  readonly keptBytes: number;
}

/** Removes layers, each before those under it, and none that anything depends on. */
export async function pruneLayers(
  config: Config,
  limits: PruneLimits,
  options: {
    readonly dryRun?: boolean;
    /** The names of the VMs that use a file. */
    readonly vmsUsing: (path: string) => Promise<readonly string[]>;
    readonly signal?: AbortSignal;
  },
): Promise<PruneResult> {
  await using _lock = await lockLayers(config.paths, options.signal);
  const layers = await listLayers(config.paths);
  const users = await layersInUse(config, layers, options.vmsUsing);
  const removed = layersToPrune(layers, users, limits, Date.now());
  const strays = await strayFolders(config.paths);
  if (!options.dryRun) {
    for (const { layer } of removed) await removeIfThere(layer.files.dir);
    for (const dir of strays) await removeIfThere(dir);
  }
  const freedBytes = sum(removed.map(({ layer }) => layer));
  return { removed, strays, freedBytes, keptBytes: sum(layers) - freedBytes };
}

/** Whether all layers together are larger than pim.yml gives them room. */
export async function needPruning({ paths, settings }: Config): Promise<boolean> {
  return sum(await listLayers(paths)) > parseDiskSize(settings.build.layers_size);
}

/** Which layers go, in the order in which they can. */
export function layersToPrune(
  layers: readonly KeptLayer[],
  users: LayerUsers,
  { olderThanMs, maxBytes }: PruneLimits,
  nowMs: number,
): Pruned[] {
  const removed: Pruned[] = [];
  const left = new Set(layers);
  const isFree = ({ id }: KeptLayer) => !users.has(id) && [...left].every((other) => other.parent !== id);
  const removeAll = (why: (layer: KeptLayer) => string | undefined) => {
    // A layer may go only when the last one on top of it has gone.
    for (let more = true; more;) {
      more = false;
      for (const layer of left) {
        const reason = isFree(layer) ? why(layer) : undefined;
        if (reason === undefined) continue;
        left.delete(layer);
        removed.push({ layer, why: reason });
        more = true;
      }
    }
  };
  removeAll((layer) =>
    layer.damage ?? (isSuperseded(layer, left) ? "there is a newer one of the same" : undefined)
  );
  if (olderThanMs !== undefined) {
    removeAll(({ lastUsed }) => nowMs - lastUsed.getTime() > olderThanMs ? "not used for long" : undefined);
  }
  while (maxBytes !== undefined && sum([...left]) > maxBytes) {
    const [oldest] = [...left].filter(isFree).sort((a, b) => a.lastUsed.getTime() - b.lastUsed.getTime());
    if (oldest === undefined) break;
    left.delete(oldest);
    removed.push({ layer: oldest, why: "there is no room for all" });
  }
  return removed;
}

function isSuperseded(layer: KeptLayer, layers: Iterable<KeptLayer>): boolean {
  return [...layers].some((other) =>
    other.key === layer.key && other.damage === undefined && other.created > layer.created
  );
}

function sum(layers: readonly KeptLayer[]): number {
  return layers.reduce((bytes, layer) => bytes + layer.bytes, 0);
}
