import * as v from "valibot";
import { writeFileAtomic } from "../files.ts";
import { definitionSchema, readChecked } from "./definition.ts";

const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));

/** What was started under a name: `<name>.json` of the runtime directory, written before QEMU begins. */
const runRecordSchema = v.object({
  version: v.literal(1),
  definition: definitionSchema,
  /** The VM's own folder. */
  dir: v.string(),
  startedMs: v.number(),
  argv: v.array(v.string()),
  accelerator: v.string(),
  qemuVersion: v.string(),
  /** The ports of the host as they were taken. */
  forwards: v.array(v.object({
    hostPort: port,
    guestPort: port,
    protocol: v.picklist(["tcp", "udp"]),
  })),
  /** Port on 127.0.0.1 that leads to the guest's SSH; none in a bridged network. */
  sshPort: v.optional(port),
  /** Port on 127.0.0.1 of the VNC display. */
  vncPort: v.optional(port),
  /** QEMU runs as root, through sudo. */
  root: v.boolean(),
});

/** What was started under a name. */
export type RunRecord = v.InferOutput<typeof runRecordSchema>;

/** Reads `<name>.json`; undefined when there is none. Throws when it cannot be understood. */
export async function readRunRecord(path: string): Promise<RunRecord | undefined> {
  return await readChecked(path, runRecordSchema);
}

/** Writes `<name>.json`. */
export async function writeRunRecord(path: string, record: RunRecord): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
}
