import type { VmDefinition } from "./definition.ts";
import type { SurveyedVm } from "./survey.ts";
import { isRunning, type Vm } from "./vms.ts";

/** What `pim ps --json` tells of a VM; what is not known is left out. */
export interface VmFacts {
  readonly name: string;
  readonly state: string;
  readonly pid?: number;
  /** When its QEMU was started, ISO 8601. */
  readonly started?: string;
  readonly image?: VmDefinition["image"];
  readonly disk?: VmDefinition["disk"];
  /** What its own disk takes up on the host. */
  readonly diskBytes?: number;
  readonly memoryMiB?: number;
  readonly cpus?: number;
  readonly network?: "user" | "bridged";
  /** Port on 127.0.0.1 that leads to the guest's SSH. */
  readonly sshPort?: number;
  /** What is wrong with its files. */
  readonly problem?: string;
}

/** What is known of a VM. */
export async function vmFacts(
  { vm, state }: SurveyedVm,
  options: { readonly withDisk: boolean },
): Promise<VmFacts> {
  const { name, pid, definition, record, problem } = vm;
  const [startedMs, diskBytes] = await Promise.all([
    isRunning(vm) ? startedAt(vm) : undefined,
    options.withDisk ? bytesOnHost(vm.folder.disk) : undefined,
  ]);
  return {
    name,
    state,
    ...(pid !== undefined && { pid }),
    ...(startedMs !== undefined && { started: new Date(startedMs).toISOString() }),
    ...(definition !== undefined && {
      image: definition.image,
      disk: definition.disk,
      memoryMiB: definition.memoryMiB,
      cpus: definition.cpus,
      network: definition.network.kind,
    }),
    ...(diskBytes !== undefined && { diskBytes }),
    ...(pid !== undefined && record?.sshPort !== undefined && { sshPort: record.sshPort }),
    ...(problem !== undefined && { problem }),
  };
}

/** When a VM's QEMU was started, in milliseconds since 1970; without its record, when it wrote its pid file. */
async function startedAt({ record, files }: Vm): Promise<number | undefined> {
  if (record !== undefined) return record.startedMs;
  return (await Deno.stat(files.pid).catch(() => undefined))?.mtime?.getTime();
}

/** What a file takes up on the host, which is less than its size where it has holes; undefined when it is not there. */
async function bytesOnHost(path: string): Promise<number | undefined> {
  const info = await Deno.stat(path).catch(() => undefined);
  // In units of 512 bytes on every system (stat(2)).
  return info && (info.blocks === null ? info.size : info.blocks * 512);
}
