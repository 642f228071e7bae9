import { hostArchitecture } from "../architecture.ts";
import { HostError } from "../errors.ts";
import { userPaths } from "../paths.ts";
import { which } from "../process.ts";
import { type Accelerator, chooseAccelerator } from "../qemu/accelerator.ts";
import { qemuProgram, readQemuVersion } from "../qemu/host.ts";
import { type DoctorContext, type Finding, ok, warning } from "./finding.ts";

/** Tries the accelerator for guests of this host's own architecture, whatever is remembered of earlier tries. */
export async function checkAccelerator({ env, signal }: DoctorContext): Promise<readonly Finding[]> {
  const architecture = hostArchitecture();
  const qemu = await which(qemuProgram(architecture));
  if (qemu === undefined) return [];
  let qemuVersion: string;
  try {
    qemuVersion = (await readQemuVersion(qemu, signal)).text;
  } catch (error) {
    if (error instanceof HostError) return []; // The check of guests says it.
    throw error;
  }
  const accelerator = await chooseAccelerator({
    platform: Deno.build.os === "darwin" ? "darwin" : "linux",
    ...{ hostArchitecture: architecture, architecture, qemu, qemuVersion },
    ...{ cacheDir: userPaths(env).cacheDir, fresh: true, signal },
  });
  return [judgeAccelerator(accelerator)];
}

/** Emulation does the same work, only slower: it is no problem. */
export function judgeAccelerator({ name, reason, obstacle }: Accelerator): Finding {
  if (name !== "tcg") return ok("accelerator", `${name}, which has just run a test guest`);
  const detail = `guests are emulated, which is much slower: ${obstacle?.problem ?? reason}`;
  return warning("accelerator", detail, obstacle?.remedy ?? lookFurther);
}

// The device opens, yet no guest runs.
const lookFurther = Deno.build.os === "darwin"
  ? "See whether this Mac allows it: sysctl kern.hv_support"
  : "In a virtual machine, have its host switch on nested virtualization; else see what the kernel says: " +
    "sudo dmesg | grep -i kvm";
