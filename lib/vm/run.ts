import { resolve } from "node:path";
import type { Architecture } from "../architecture.ts";
import { HostError, PimError, UsageError } from "../errors.ts";
import { exists } from "../files.ts";
import { checkName, vmFiles } from "../paths.ts";
import { which } from "../process.ts";
import { installHint } from "../qemu/install_hint.ts";
import { probeQemu } from "../qemu/host.ts";
import { createVm, type NewVm } from "./create.ts";
import { type DiskMode, type Forward, readDefinition, type VmDefinition } from "./definition.ts";
import { lockVm } from "./locks.ts";
import type { VmPlaces } from "./places.ts";
import { readSeedSource, seedFiles, writeSeed } from "./seed.ts";
import { findSource, type Source } from "./source.ts";
import { changeDefinition, refuseRunning, type StartedVm, startVm } from "./start.ts";
import { clearRemainsLocked, vmNames } from "./vms.ts";

/** What a person asks of `pim run`; what is left out stays as it was, or takes its default in a new VM. */
export interface RunRequest {
  /** A VM, a profile, an image or a file; the newest image when left out. */
  readonly what?: string;
  readonly name?: string;
  /** Throw away the VM's disk and begin anew from the image. */
  readonly fresh: boolean;
  readonly disk?: DiskMode;
  readonly memoryMiB?: number;
  readonly cpus?: number;
  /** The interface of the host to be bridged to; "" lets pim choose. */
  readonly bridged?: string;
  readonly forwards?: readonly Forward[];
  readonly shares?: VmDefinition["shares"];
  readonly usb?: VmDefinition["usb"];
  readonly vnc?: boolean;
  readonly userDataFile?: string;
  readonly sshKeyFile?: string;
  readonly qemuArgs?: readonly string[];
  readonly architecture?: Architecture;
  readonly firmware?: "bios" | "uefi";
}

/** What `pim run` needs besides the request. */
export interface RunOptions {
  readonly cwd: string;
  /** For VMs that say nothing of it. */
  readonly defaults: { readonly memoryMiB: number; readonly cpus: number };
  readonly signal: AbortSignal;
  /** Called with 0 to 1 while a disk is copied. */
  readonly onProgress?: (fraction: number) => void;
  /** Called with what a person should know and need not act on. */
  readonly onNote?: (note: string) => void;
}

/** Starts a VM: one that is kept, or a new one made from an image. */
export async function runVm(places: VmPlaces, asked: RunRequest, options: RunOptions): Promise<StartedVm> {
  const request = await checkRequest(asked, options.cwd);
  const target = await findTarget(places, request, options);
  await using _lock = await lockVm(places.runtimeDir, target.name, options.signal);
  await refuseRunning(places, target.name);
  await clearRemainsLocked(places, target.name);
  const kept = await readDefinition(vmFiles(places.vmsDir, target.name).definition);
  if (kept !== undefined && kept.disk !== "snapshot" && !request.fresh) {
    refuseOtherDisk(kept, request);
    await adviseNewerImage(kept, target, options);
    const definition = await changeKept(places, kept, request);
    return await startVm(places, definition, options.signal);
  }
  const source = await target.source(kept);
  const vm = await newVm(places, target.name, source, request, options);
  await using folder = await createVm(places, vm, options);
  const started = await startVm(places, vm.definition, options.signal);
  await folder.keep();
  return started;
}

/** The request with what it names made sure of. */
async function checkRequest(request: RunRequest, cwd: string): Promise<RunRequest> {
  if (request.name !== undefined) checkName(request.name, "VM name");
  if (request.bridged !== undefined && request.forwards !== undefined && request.forwards.length > 0) {
    throw new UsageError("A VM is either bridged or has forwarded ports", {
      hint: "A bridged VM has an address of its own: pim ip NAME",
    });
  }
  const { shares } = request;
  return shares === undefined ? request : { ...request, shares: await findShares(shares, cwd) };
}

async function findShares(shares: VmDefinition["shares"], cwd: string): Promise<VmDefinition["shares"]> {
  for (const [index, { tag }] of shares.entries()) {
    if (shares.findIndex((other) => other.tag === tag) === index) continue;
    throw new UsageError(`Two shares have the tag ${tag}`, { hint: "Name them: --share DIR:TAG" });
  }
  return await Promise.all(shares.map(async (share) => {
    const path = resolve(cwd, share.path);
    if ((await Deno.stat(path).catch(() => undefined))?.isDirectory) return { ...share, path };
    throw new UsageError(`There is no folder ${path} to share`);
  }));
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
  const sourceOf = async (what: string | undefined) =>
    await findSource(places, what, {
      qemuImg: await findQemuImg(),
      cwd: options.cwd,
      architecture: request.architecture,
      firmware: request.firmware,
      clone: request.disk === "clone",
    });
  const again = (kept: VmDefinition | undefined) => {
    if (kept === undefined) throw new PimError("Another pim has just removed this VM; start it again");
    return sourceOf(kept.image.profile ?? kept.image.path);
  };
  const names = await vmNames(places);
  const vmName = what ?? name;
  if (vmName !== undefined && names.includes(vmName) && (name === undefined || name === vmName)) {
    return { name: vmName, source: again };
  }
  const source = await sourceOf(what).catch((error) => {
    const longer = what === undefined ? [] : names.filter((each) => each.startsWith(what));
    const [only] = longer;
    if (only !== undefined && longer.length === 1 && name === undefined) return only;
    throw error;
  });
  if (typeof source === "string") return { name: source, source: again };
  return { name: name ?? source.vmName, named: source, source: () => Promise.resolve(source) };
}

async function findQemuImg(): Promise<string> {
  const path = await which("qemu-img");
  if (path !== undefined) return path;
  throw new HostError("qemu-img is not installed or not on PATH", {
    hint: await installHint(["img"], "amd64"),
  });
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

async function adviseNewerImage(kept: VmDefinition, target: Target, options: RunOptions): Promise<void> {
  const { named } = target;
  if (named !== undefined && named.path !== kept.image.path) {
    if (named.image === undefined || named.image.profile !== kept.image.profile) {
      throw new UsageError(`The VM ${kept.name} is made from ${kept.image.name ?? kept.image.path}`, {
        hint: `Begin it anew from the other image with --fresh, or name another VM: --name NAME`,
      });
    }
    options.onNote?.(
      `${kept.name} goes on from its own disk, made from ${kept.image.name}; --fresh begins anew from ${named.image.name}`,
    );
  }
  if (kept.disk === "overlay" && !(await exists(kept.image.path))) {
    throw new PimError(`The image under the disk of the VM ${kept.name} is missing: ${kept.image.path}`, {
      hint: `Bring the file back, or remove the VM: pim rm ${kept.name}`,
    });
  }
}

function changes(request: RunRequest): Partial<VmDefinition> {
  const { memoryMiB, cpus, bridged, forwards, shares, usb, vnc, qemuArgs } = request;
  return {
    ...(memoryMiB !== undefined && { memoryMiB }),
    ...(cpus !== undefined && { cpus }),
    ...(bridged !== undefined && {
      network: { kind: "bridged" as const, ...(bridged !== "" && { interface: bridged }) },
    }),
    ...(forwards !== undefined && { network: { kind: "user" as const, forwards: [...forwards] } }),
    ...(shares !== undefined && { shares }),
    ...(usb !== undefined && { usb }),
    ...(vnc !== undefined && { vnc }),
    ...(qemuArgs !== undefined && { qemuArgs: [...qemuArgs] }),
  };
}

interface Identity {
  readonly files: Readonly<Record<string, string>>;
  readonly sshKey?: string;
}

/** What cloud-init in the guest is to be told; undefined when nothing is. */
async function identity(
  request: RunRequest,
  vm: { readonly name: string; readonly username?: string },
): Promise<Identity | undefined> {
  if (request.userDataFile === undefined && request.sshKeyFile === undefined) return undefined;
  const { userData, sshKeys, privateKeyFile } = await readSeedSource(request);
  const files = seedFiles({ vmName: vm.name, username: vm.username, userData, sshKeys });
  return { files, ...(privateKeyFile !== undefined && { sshKey: privateKeyFile }) };
}

async function changeKept(
  places: VmPlaces,
  kept: VmDefinition,
  request: RunRequest,
): Promise<VmDefinition> {
  const seed = await identity(request, kept);
  if (seed !== undefined) await writeSeed(vmFiles(places.vmsDir, kept.name).seed, seed.files);
  return await changeDefinition(places, kept.name, {
    ...changes(request),
    ...(seed !== undefined && { seed: true }),
    ...(seed?.sshKey !== undefined && { sshKey: seed.sshKey }),
  });
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
  const seed = await identity(request, { name, username: image?.username });
  const definition: VmDefinition = {
    version: 1,
    name,
    created: new Date().toISOString(),
    image: {
      path: source.path,
      format: source.format,
      ...(image !== undefined && { name: image.name, profile: image.profile }),
    },
    architecture,
    firmware,
    disk: request.disk ?? "overlay",
    ...options.defaults,
    macAddress: randomMac(),
    network: { kind: "user", forwards: [] },
    shares: [],
    usb: [],
    vnc: false,
    seed: seed !== undefined,
    qemuArgs: [],
    ...(image !== undefined && { username: image.username }),
    guestSshPort: image?.sshPort ?? 22,
    ...(seed?.sshKey !== undefined && { sshKey: seed.sshKey }),
    ...changes(request),
  };
  return { definition, source, firmware: host.firmware, seed: seed?.files, qemuImg: host.qemuImg };
}

/** An address of the range that QEMU's are from, unlike that of any other VM in the same network. */
function randomMac(): string {
  const tail = crypto.getRandomValues(new Uint8Array(3));
  return ["52", "54", "00", ...Array.from(tail, (byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
