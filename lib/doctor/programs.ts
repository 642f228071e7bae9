import { Virsh } from "../deploy/libvirt/virsh.ts";
import { readTargets } from "../deploy/load_targets.ts";
import { HostError } from "../errors.ts";
import { checkGpgv } from "../iso/verify/gpgv.ts";
import { findPackageManager, installWith } from "../package_manager.ts";
import { which } from "../process.ts";
import { requireProgram } from "../vm/login/ssh.ts";
import {
  catalogIfSound,
  type DoctorContext,
  type Finding,
  found,
  ifSound,
  notNeeded,
  ok,
} from "./finding.ts";

/** What comes of looking for a program; `missing` says how much it matters that it is not there. */
async function look(
  name: string,
  find: () => Promise<string>,
  missing: (error: HostError) => Finding,
): Promise<Finding> {
  try {
    return ok(name, await find());
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return missing(error);
  }
}

/** Checks gpgv, which an ISO needs whose entry names who must have signed it. */
export async function checkSignatures(context: DoctorContext): Promise<readonly Finding[]> {
  const wanted = (await catalogIfSound(context))?.some(({ signature }) => signature !== undefined);
  const find = async () => {
    await checkGpgv();
    return await which("gpgv") ?? "";
  };
  const missing = (error: HostError) =>
    wanted ? found("problem", "gpgv", error) : notNeeded("gpgv", error, "ISOs with a signature");
  return [await look("gpgv", find, missing)];
}

/** Checks the programs of OpenSSH; builds do without them. */
export async function checkSsh(): Promise<readonly Finding[]> {
  return await Promise.all((["ssh", "scp"] as const).map(async (program) => {
    const find = async () => {
      await requireProgram(program);
      return await which(program) ?? "";
    };
    return await look(program, find, (error) => found("warning", program, error));
  }));
}

/** Checks virsh, which targets of type libvirt need. */
export async function checkVirsh(context: DoctorContext): Promise<readonly Finding[]> {
  const targets = await ifSound(async () => await readTargets((await context.config()).folders));
  const wanted = targets?.some(({ value }) => value.type === "libvirt");
  const never = () => Promise.reject(new Error("asking for a version takes nothing else"));
  const { env, signal } = context;
  const virsh = new Virsh("test:///default", { env, signal, qemuImg: never, secret: never });
  const find = async () => `${(await virsh.ask("--version")).trim()}, ${await which("virsh")}`;
  const missing = (error: HostError) =>
    wanted ? found("problem", "virsh", error) : notNeeded("virsh", error, "targets of type libvirt");
  return [await look("virsh", find, missing)];
}

/** Checks what `pim ventoy` starts as the user; what it starts as root comes with it. */
export async function checkVentoy(): Promise<readonly Finding[]> {
  if (Deno.build.os !== "linux") return [];
  // Called as their packages are; lsblk is part of util-linux.
  const needed = { lsblk: "util-linux", tar: "tar", bash: "bash" };
  const missing: [string, string][] = [];
  for (const [program, packageName] of Object.entries(needed)) {
    if (await which(program) === undefined) missing.push([program, packageName]);
  }
  if (missing.length === 0) {
    return [ok("sticks", `${Object.keys(needed).join(", ")} are there for pim ventoy`)];
  }
  const manager = await findPackageManager();
  const names = missing.map(([program]) => program).join(", ");
  const error = new HostError(`Not installed or not on PATH: ${names}`, {
    hint: manager && `Install it: ${installWith(manager, missing.map(([, packageName]) => packageName))}`,
  });
  return [notNeeded("sticks", error, "pim ventoy")];
}
