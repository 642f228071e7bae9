import * as v from "valibot";
import { architectures } from "../../architecture.ts";
import { readTextIfThere, writeFileAtomic } from "../../files.ts";
import type { LayerFiles } from "../../paths.ts";

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const digest = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** How a file was when it was whole: any other size or time means that somebody has touched it. */
const fileStamp = v.strictObject({ bytes: count, mtimeMs: v.number() });

const recordSchema = v.strictObject({
  version: v.literal(1),
  id: v.string(),
  key: digest,
  /** The layer that the disk lies on; the first has none. */
  parent: v.optional(v.string()),
  profile: v.string(),
  architecture: v.picklist(architectures),
  /** The step that it is the end of. */
  step: v.string(),
  inputs: v.record(v.string(), digest),
  origin: v.strictObject({
    isoChecksum: v.string(),
    family: v.picklist(["debian", "ubuntu"]),
    version: v.optional(v.string()),
  }),
  /** Name of the build that made it. */
  build: v.string(),
  /** ISO 8601, UTC. */
  created: v.string(),
  /** Milliseconds that the step took which this layer saves. */
  elapsedMs: count,
  disk: fileStamp,
  /** Whether the guest's agent answered; undefined where no guest ran. */
  agent: v.optional(v.boolean()),
  /** The state of the machine over this disk, with its file systems frozen, and what a machine must be to take it up. */
  memory: v.optional(v.strictObject({
    ...fileStamp.entries,
    fingerprint: digest,
  })),
});

/** What a layer is, as it stands in its layer.json. */
export type LayerRecord = v.InferOutput<typeof recordSchema>;

/** The state of a machine, as a layer has it. */
export type MemoryRecord = NonNullable<LayerRecord["memory"]>;

/** A layer on disk. */
export interface KeptLayer extends LayerRecord {
  readonly files: LayerFiles;
  /** Everything in its folder. */
  readonly bytes: number;
  readonly lastUsed: Date;
  /** Why it cannot be used; undefined for a sound one. */
  readonly damage?: string;
}

/** Reads layer.json; undefined when it is not there or is none. */
export async function readLayerRecord(path: string): Promise<LayerRecord | undefined> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(recordSchema, JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Writes layer.json. */
export async function writeLayerRecord(path: string, record: LayerRecord): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}

/** How a file is now. */
export async function stampOf(path: string): Promise<MemoryStamp> {
  const { size, mtime } = await Deno.stat(path);
  return { bytes: size, mtimeMs: mtime?.getTime() ?? 0 };
}

type MemoryStamp = v.InferOutput<typeof fileStamp>;
