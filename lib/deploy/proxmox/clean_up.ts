import { DeployError } from "../deploy_error.ts";
import type { DeployImage, Ids } from "../target.ts";
import type { PveHost } from "./host.ts";
import { markOf } from "./vm.ts";

/** What a deployment that was cut short has left at the host. */
export interface Leftovers {
  readonly task?: string | undefined;
  readonly vmid?: number | undefined;
  readonly sources: readonly string[];
}

/** Looks what there still is of what was written down; `whole` is the image itself, if it has come over whole. */
export async function leftoversOf(
  host: PveHost,
  ids: Ids,
  image: DeployImage,
): Promise<Leftovers & { readonly whole?: string }> {
  const wanted = [ids.upload, ids.vars].filter((each) => each !== undefined);
  const there = wanted.length === 0 ? new Map<string, number>() : await host.uploaded(wanted);
  const whole = ids.whole !== undefined && there.get(ids.whole) === image.entry.bytes ? ids.whole : undefined;
  const sources = [...there.keys()].filter((each) => each !== whole);
  const vmid = Number(ids.vmid);
  const config = ids.vmid === undefined ? undefined : await host.config(vmid);
  if (config?.begun === true && ids.task === undefined) {
    throw new DeployError(`The VM ${vmid} of an interrupted deployment is still being created`, {
      hint: "Wait for its end, or end it in the web interface; then deploy again.",
    });
  }
  // One that was a template once and is none now, somebody works with.
  const half = config !== undefined && !config.template && ids.finished !== ids.vmid;
  // Nothing tells yet whose a VM is that is still being created, but its task does.
  const task = config?.begun === true ? ids.task : undefined;
  const ours = half && (markOf(config.description, vmid) !== undefined || task !== undefined);
  return {
    sources,
    ...(ours && { vmid, ...(task !== undefined && { task }) }),
    ...(whole !== undefined && { whole }),
  };
}

/** Ends the task, destroys the VM if pim made it and did not finish it, and removes the files. */
export async function cleanUp(host: PveHost, { task, vmid, sources }: Leftovers): Promise<void> {
  if (task !== undefined) await host.stopTask(task);
  const config = vmid === undefined ? undefined : await host.config(vmid);
  if (
    vmid !== undefined && config !== undefined && !config.template &&
    markOf(config.description, vmid) !== undefined
  ) {
    await host.destroy(vmid);
  }
  for (const source of sources) await host.discard(source);
}
