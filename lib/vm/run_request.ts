import { resolve } from "node:path";
import type { Architecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";
import { missingFile } from "../missing_file.ts";
import { checkName } from "../paths.ts";
import type { DiskMode, Forward, VmDefinition } from "./definition.ts";
import { readSeedSource, seedFiles } from "./seed/seed.ts";

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
  /** Who can log in to a new VM, and the private key to do it with, where pim knows that of a file. */
  readonly login?: { readonly username: string; readonly sshKey?: string };
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

/** The request with what it names made sure of. */
export async function checkRequest(request: RunRequest, cwd: string): Promise<RunRequest> {
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
    throw await missingFile(path, { what: "folder to share", hint: `Make it first: mkdir -p ${path}` });
  }));
}

/** What a request changes in the definition of a VM. */
export function changesOf(request: RunRequest): Partial<VmDefinition> {
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

/** A seed for cloud-init. */
export interface Identity {
  readonly files: Readonly<Record<string, string>>;
  readonly sshKey?: string;
}

/** What cloud-init in the guest is to be told; undefined when nothing is. */
export async function identityOf(
  request: RunRequest,
  vm: { readonly name: string; readonly username?: string },
): Promise<Identity | undefined> {
  if (request.userDataFile === undefined && request.sshKeyFile === undefined) return undefined;
  const { userData, sshKeys, privateKeyFile } = await readSeedSource(request);
  const files = seedFiles({ vmName: vm.name, username: vm.username, userData, sshKeys });
  return { files, ...(privateKeyFile !== undefined && { sshKey: privateKeyFile }) };
}
