import * as v from "valibot";
import type { QmpClient, QmpEvent } from "../../qemu/qmp.ts";
import type { QemuEvidence } from "./evidence.ts";

const statsSchema = v.array(v.object({ stats: v.object({ wr_bytes: v.number() }) }));

/** Bytes that a guest has written to its disks since QEMU began; undefined when QEMU does not tell. */
export async function writtenBytes(qmp: QmpClient): Promise<number | undefined> {
  try {
    const stats = v.parse(statsSchema, await qmp.execute("query-blockstats", {}, { timeoutMs: 5000 }));
    return stats.reduce((sum, each) => sum + each.stats.wr_bytes, 0);
  } catch {
    return undefined; // It is ending, or busy with something that holds its monitor.
  }
}

// Linux counts processor time in hundredths of a second for every program, whatever the kernel's own clock.
const ticksPerSecond = 100;

/** Seconds of processor time that a process has used (proc(5), stat); undefined where the system does not tell. */
export function processorSeconds(pid: number): number | undefined {
  try {
    // The name in parentheses may itself hold spaces and parentheses.
    const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

const ioErrorSchema = v.object({
  action: v.string(),
  nospace: v.optional(v.boolean(), false),
  reason: v.optional(v.string(), ""),
});

/** What an event of QEMU adds to what is known of it (QEMU docs: interop/qemu-qmp-ref). */
export function readEvent({ event, data }: QmpEvent): Partial<QemuEvidence> {
  if (event === "SHUTDOWN") return { shutdown: String(data.reason) };
  if (event === "GUEST_PANICKED") return { panicked: true };
  if (event !== "BLOCK_IO_ERROR") return {};
  const error = v.safeParse(ioErrorSchema, data);
  // What is only reported to the guest is the guest's to deal with.
  if (!error.success || error.output.action !== "stop") return {};
  return { ioError: { nospace: error.output.nospace, text: error.output.reason } };
}

const statusSchema = v.object({ status: v.string() });

/** What happened before anybody listened: a guest that QEMU has stopped stays so. */
export async function readStatus(qmp: QmpClient): Promise<Partial<QemuEvidence>> {
  try {
    const { status } = v.parse(statusSchema, await qmp.execute("query-status", {}, { timeoutMs: 5000 }));
    if (status === "guest-panicked") return { panicked: true };
    // QEMU stops a guest over a write error only when there is no room for it (werror=enospc, its default).
    return status === "io-error" ? { ioError: { nospace: true, text: status } } : {};
  } catch {
    return {};
  }
}
