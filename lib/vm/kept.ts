import { PimError, UsageError } from "../errors.ts";
import { exists, readBytesIfThere, removeIfThere, writeFileAtomic } from "../files.ts";
import { vmFiles } from "../paths.ts";
import { readDefinition, type VmDefinition, writeDefinition } from "./definition.ts";
import type { VmPlaces } from "./places.ts";
import { changesOf, identityOf, type RunOptions, type RunRequest } from "./run_request.ts";
import { writeSeed } from "./seed/seed.ts";
import type { Source } from "./source.ts";
import { type StartedVm, startVm } from "./start.ts";

/** What is kept of a VM, unless its disk is to be thrown away anyway; throws when there is a disk and nothing tells of it. */
export async function readKept(
  places: VmPlaces,
  name: string,
  fresh: boolean,
): Promise<VmDefinition | undefined> {
  const files = vmFiles(places.vmsDir, name);
  const hint =
    `Begin it anew, without what is on its disk: pim run ${name} --fresh. Or remove it: pim rm ${name}`;
  try {
    const kept = await readDefinition(files.definition);
    if (kept !== undefined || fresh || !(await exists(files.disk))) return kept;
  } catch (cause) {
    if (fresh || !(cause instanceof PimError)) return undefined;
    throw new PimError(cause.message, { cause, hint });
  }
  throw new PimError(`The VM ${name} has a disk, and ${files.definition} is missing`, { hint });
}

/** What is given for a kept VM holds from its next start on that works. */
export async function startKept(
  places: VmPlaces,
  kept: VmDefinition,
  request: RunRequest,
  options: RunOptions,
): Promise<StartedVm> {
  refuseOtherDisk(kept, request);
  await requireImage(kept);
  const files = vmFiles(places.vmsDir, kept.name);
  const seed = await identityOf(request, kept);
  const definition: VmDefinition = {
    ...kept,
    ...changesOf(request),
    ...(seed !== undefined && { seed: true }),
    ...(seed?.sshKey !== undefined && { sshKey: seed.sshKey }),
  };
  const formerSeed = await readBytesIfThere(files.seed);
  if (seed !== undefined) await writeSeed(files.seed, seed.files);
  const started = await startVm(places, definition, options.signal).catch(async (error) => {
    if (seed !== undefined) await putBack(files.seed, formerSeed);
    throw error;
  });
  // To cloud-init a changed seed is a new machine, which gets new host keys.
  if (seed !== undefined) await removeIfThere(files.knownHosts);
  if (JSON.stringify(definition) !== JSON.stringify(kept)) {
    await writeDefinition(files.definition, definition);
  }
  return started;
}

async function putBack(path: string, former: Uint8Array | undefined): Promise<void> {
  if (former === undefined) await removeIfThere(path);
  else await writeFileAtomic(path, former, { mode: 0o600 });
}

function refuseOtherDisk(kept: VmDefinition, request: RunRequest): void {
  const fixed: [string, unknown, unknown][] = [
    ["disk", request.disk, kept.disk],
    ["architecture", request.architecture, kept.architecture],
    ["firmware", request.firmware, kept.firmware],
  ];
  for (const [what, wanted, is] of fixed) {
    if (wanted === undefined || wanted === is) continue;
    throw new UsageError(`The VM ${kept.name} has the ${what} ${is}, not ${wanted}`, {
      hint:
        `Begin it anew, without what is on its disk: pim run ${kept.name} --fresh …, or name another VM: --name NAME`,
    });
  }
}

/** Throws when another image was named than a kept VM is made from; a newer one of the same profile is only told of. */
export function compareImage(kept: VmDefinition, named: Source | undefined, options: RunOptions): void {
  if (named === undefined || named.path === kept.image.path) return;
  if (named.image === undefined || named.image.profile !== kept.image.profile) {
    throw new UsageError(`The VM ${kept.name} is made from ${kept.image.name ?? kept.image.path}`, {
      hint: `Begin it anew from the other image with --fresh, or name another VM: --name NAME`,
    });
  }
  options.onNote?.(
    `${kept.name} goes on from its own disk, made from ${kept.image.name}; --fresh begins anew from ${named.image.name}`,
  );
}

/** Throws when the image is gone over which a kept VM's disk is a thin overlay. */
export async function requireImage(kept: VmDefinition): Promise<void> {
  if (kept.disk !== "overlay" || await exists(kept.image.path)) return;
  throw new PimError(`The image under the disk of the VM ${kept.name} is missing: ${kept.image.path}`, {
    hint: `Bring the file back, or remove the VM: pim rm ${kept.name}`,
  });
}
