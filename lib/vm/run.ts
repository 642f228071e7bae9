import { UsageError } from "../errors.ts";
import { probeQemu } from "../qemu/host.ts";
import { findQemuImg } from "../qemu/find_img.ts";
import { nearest } from "../suggest.ts";
import { createVm, type NewVm } from "./create.ts";
import type { VmDefinition } from "./definition.ts";
import { compareImage, readKept, startKept } from "./kept.ts";
import { lockVm } from "./locks.ts";
import { newDefinition } from "./new_definition.ts";
import type { VmPlaces } from "./places.ts";
import { clearRemainsLocked, describeCrash } from "./remains.ts";
import { changesOf, checkRequest, identityOf, type RunOptions, type RunRequest } from "./run_request.ts";
import { findSource, type Source } from "./source.ts";
import { refuseRunning, type StartedVm, startVm } from "./start.ts";
import { vmNames } from "./vms.ts";

/** Starts a VM: one that is kept, or a new one made from an image. */
export async function runVm(places: VmPlaces, asked: RunRequest, options: RunOptions): Promise<StartedVm> {
  const request = await checkRequest(asked, options.cwd);
  const target = await findTarget(places, request, options);
  await using _lock = await lockVm(places.runtimeDir, target.name, "starting", options.signal);
  await refuseRunning(places, target.name);
  const remains = await clearRemainsLocked(places, target.name);
  if (remains.kind === "crashed") options.onNote?.(describeCrash(target.name, remains));
  const kept = await readKept(places, target.name, request.fresh);
  if (kept !== undefined && kept.disk !== "snapshot" && !request.fresh) {
    compareImage(kept, target.named, options);
    return await startKept(places, kept, request, options);
  }
  const source = await target.source(kept);
  const vm = await newVm(places, target.name, source, request, options);
  await using folder = await createVm(places, vm, options);
  const started = await startVm(places, vm.definition, options.signal);
  await folder.keep();
  return started;
}

interface Target {
  readonly name: string;
  /** What the request names, where it names more than a kept VM. */
  readonly named?: Source;
  /** The image to make the VM from. */
  source(kept: VmDefinition | undefined): Promise<Source>;
}

/** A kept VM comes before an image of the same name: its disk holds somebody's work. */
async function findTarget(places: VmPlaces, request: RunRequest, options: RunOptions): Promise<Target> {
  const { what, name } = request;
  const sourceOf = async (what: string | undefined, kept?: VmDefinition) =>
    await findSource(places, what, {
      qemuImg: await findQemuImg(),
      cwd: options.cwd,
      architecture: request.architecture ?? kept?.architecture,
      firmware: request.firmware ?? kept?.firmware,
      clone: request.disk === "clone",
    });
  // The name may stand for no more than the remains of a VM, which are cleared away by then.
  const again = (kept: VmDefinition | undefined) =>
    sourceOf(kept === undefined ? what : kept.image.profile ?? kept.image.path, kept);
  const names = await vmNames(places);
  const vmName = what ?? name;
  if (vmName !== undefined && names.includes(vmName) && (name === undefined || name === vmName)) {
    return { name: vmName, source: again };
  }
  const source = await sourceOf(what).catch((error) => {
    const longer = what === undefined ? [] : names.filter((each) => each.startsWith(what));
    const [only] = longer;
    // What throws a disk away has to name its VM in full.
    if (only !== undefined && longer.length === 1 && name === undefined && !request.fresh) return only;
    throw withNearVm(error, what, names);
  });
  if (typeof source === "string") return { name: source, source: again };
  return { name: name ?? source.vmName, named: source, source: () => Promise.resolve(source) };
}

/** An error that tells of the VM which may have been meant, too. */
function withNearVm(error: unknown, what: string | undefined, names: readonly string[]): unknown {
  const near = nearest(what ?? "", names);
  if (!(error instanceof UsageError) || near === undefined) return error;
  const hint = [`Did you mean the VM ${near}?`, error.hint].filter((each) => each !== undefined).join(" ");
  return new UsageError(error.message, { hint, cause: error });
}

async function newVm(
  places: VmPlaces,
  name: string,
  source: Source,
  request: RunRequest,
  options: RunOptions,
): Promise<NewVm> {
  const { architecture, firmware, image } = source;
  const host = await probeQemu({ architecture, firmware, cacheDir: places.cacheDir, signal: options.signal });
  const seed = await identityOf(request, { name, username: image?.username });
  const definition: VmDefinition = {
    ...newDefinition(name, source, {
      disk: request.disk ?? "overlay",
      guestSshPort: image?.sshPort ?? 22,
      ...options.defaults,
    }),
    seed: seed !== undefined,
    ...(image !== undefined && { username: image.username }),
    ...request.login,
    ...(seed?.sshKey !== undefined && { sshKey: seed.sshKey }),
    ...changesOf(request),
  };
  return { definition, source, firmware: host.firmware, seed: seed?.files, qemuImg: host.qemuImg };
}
