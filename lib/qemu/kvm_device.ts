import { userInfo } from "node:os";
import { join } from "node:path";
import { messageOf } from "../errors.ts";
import { exists, readTextIfThere } from "../files.ts";
import type { Obstacle } from "./bridge_acl.ts";

/** Where a Linux host tells of KVM. */
export interface KvmPlaces {
  /** The device of KVM. */
  readonly device: string;
  /** What the kernel knows of the processor. */
  readonly cpuInfo: string;
  /** The kernel's folder with one entry for each module that is loaded. */
  readonly modules: string;
  /** The groups of users. */
  readonly groups: string;
}

/** The places of a real host. */
export const kvmPlaces: KvmPlaces = {
  device: "/dev/kvm",
  cpuInfo: "/proc/cpuinfo",
  modules: "/sys/module",
  groups: "/etc/group",
};

/** Why KVM cannot be used, and what to type; undefined when its device opens, which proves no more than that. */
export async function kvmObstacle(places: KvmPlaces): Promise<Obstacle | undefined> {
  const { device } = places;
  try {
    (await Deno.open(device, { read: true, write: true })).close();
    return undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) {
      return { problem: `there is no ${device}`, remedy: await deviceRemedy(places) };
    }
    if (error instanceof Deno.errors.PermissionDenied || error instanceof Deno.errors.NotCapable) {
      return { problem: `no permission on ${device}`, remedy: await permissionRemedy(places) };
    }
    return {
      problem: `${device} cannot be opened: ${messageOf(error)}`,
      remedy: "sudo dmesg | grep -i kvm",
    };
  }
}

async function deviceRemedy({ device, cpuInfo, modules }: KvmPlaces): Promise<string> {
  const [, flag] = /^flags\s*:.*\b(vmx|svm)\b/m.exec(await readTextIfThere(cpuInfo) ?? "") ?? [];
  if (flag === undefined) {
    return "switch virtualization on in the firmware set-up; in a virtual machine, have nested virtualization " +
      "switched on for it";
  }
  const module = flag === "vmx" ? "kvm_intel" : "kvm_amd";
  // The module makes the device: where that is not seen, this is a container.
  if (await exists(join(modules, module))) {
    return `hand it into this container, as in: docker run --device ${device}`;
  }
  return `sudo modprobe ${module}`;
}

/** What lets this user open a device that is there. */
export async function permissionRemedy({ device, groups }: KvmPlaces): Promise<string> {
  const { mode, gid } = await Deno.stat(device);
  const user = userInfo().username;
  const forGroup = ((mode ?? 0) & 0o060) === 0o060 && gid !== 0;
  if (!forGroup) {
    // As udev has it: nobody should become a member of root's own group for this.
    return `sudo chown root:kvm ${device} && sudo chmod 660 ${device} && sudo usermod -aG kvm ${user}, ` +
      "then log in again";
  }
  const lines = (await readTextIfThere(groups) ?? "").split("\n").map((line) => line.split(":"));
  const [group = "kvm", , , members = ""] = lines.find(([, , id]) => id === String(gid)) ?? [];
  if (members.split(",").includes(user)) {
    return `log out and in again: ${user} has become a member of ${group} since`;
  }
  return `sudo usermod -aG ${group} ${user}, then log in again`;
}
