import { join } from "node:path";
import { exists, lockFile, removeIfThere, statIfThere } from "../../files.ts";
import { filesOfLayer, type LayerFiles, layersDir, layersLock, type Paths } from "../../paths.ts";
import { type KeptLayer, type LayerRecord, readLayerRecord, stampOf, writeLayerRecord } from "./record.ts";

/** Holds the lock under which layers are chosen and removed. */
export function lockLayers(paths: Paths, signal?: AbortSignal): Promise<AsyncDisposable> {
  return lockFile(layersLock(paths), undefined, signal);
}

/** The files of the layer with this id. */
export function layerFiles(paths: Paths, id: string): LayerFiles {
  return filesOfLayer(join(layersDir(paths), id));
}

/** An id that no layer has. */
export function newLayerId(key: string): string {
  return `${key.slice(0, 12)}-${crypto.randomUUID().slice(0, 8)}`;
}

/** All layers, the oldest first; those that cannot be used say why. */
export async function listLayers(paths: Paths): Promise<KeptLayer[]> {
  const dir = layersDir(paths);
  if (!(await exists(dir))) return [];
  const layers: KeptLayer[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    if (!isDirectory || name.startsWith(".")) continue;
    const layer = await readLayer(join(dir, name));
    if (layer !== undefined) layers.push(layer);
  }
  return withBrokenChains(layers).sort((a, b) => a.created.localeCompare(b.created));
}

/** Folders in the place of layers that are none: nothing that pim makes is without its layer.json. */
export async function strayFolders(paths: Paths): Promise<string[]> {
  const dir = layersDir(paths);
  if (!(await exists(dir))) return [];
  const strays: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(dir)) {
    const files = filesOfLayer(join(dir, name));
    if (isDirectory && await readLayerRecord(files.record) === undefined) strays.push(files.dir);
  }
  return strays.sort();
}

async function readLayer(dir: string): Promise<KeptLayer | undefined> {
  const files = filesOfLayer(dir);
  const record = await readLayerRecord(files.record);
  const info = await statIfThere(files.record);
  // Somebody may remove it just now.
  if (record === undefined || info === undefined) return undefined;
  return {
    ...record,
    files,
    bytes: record.disk.bytes + (record.memory?.bytes ?? 0),
    lastUsed: info.mtime ?? new Date(record.created),
    ...await damageOf(files, record),
  };
}

async function damageOf(files: LayerFiles, { disk }: LayerRecord): Promise<{ damage?: string }> {
  try {
    const now = await stampOf(files.disk);
    if (now.bytes === disk.bytes && now.mtimeMs === disk.mtimeMs) return {};
    return { damage: "its disk was changed after it was made" };
  } catch {
    return { damage: "its disk is missing" };
  }
}

/** A layer is as good as those under it. */
function withBrokenChains(layers: readonly KeptLayer[]): KeptLayer[] {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  const brokenBelow = ({ parent }: LayerRecord): boolean => {
    if (parent === undefined) return false;
    const under = byId.get(parent);
    return under === undefined || under.damage !== undefined || brokenBelow(under);
  };
  return layers.map((layer) =>
    layer.damage === undefined && brokenBelow(layer)
      ? { ...layer, damage: "a layer under it is missing or damaged" }
      : layer
  );
}

/** A layer and those under it, the deepest first. */
export function chainOf(layer: KeptLayer, layers: readonly KeptLayer[]): KeptLayer[] {
  const under = layers.find(({ id }) => id === layer.parent);
  return under === undefined ? [layer] : [layer, ...chainOf(under, layers)];
}

/** Notes that a layer, and those under it, are of use. */
export async function touchLayers(chain: readonly KeptLayer[]): Promise<void> {
  const now = new Date();
  for (const { files } of chain) await Deno.utime(files.record, now, now).catch(() => {});
}

/** Replaces what stands in a layer's record. */
export async function changeLayer(
  paths: Paths,
  id: string,
  change: (record: LayerRecord) => LayerRecord,
): Promise<void> {
  await using _lock = await lockLayers(paths);
  const { record: path } = layerFiles(paths, id);
  const record = await readLayerRecord(path);
  if (record !== undefined) await writeLayerRecord(path, change(record));
}

/** Forgets the state of the machine over a layer's disk; the disk stays. */
export async function dropMemory(paths: Paths, id: string): Promise<void> {
  await changeLayer(paths, id, ({ memory: _, ...record }) => record);
  await removeIfThere(layerFiles(paths, id).memory);
}
