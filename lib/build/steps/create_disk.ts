import { createEfiVars } from "../../qemu/firmware.ts";
import { createDisk as createQcow2 } from "../../qemu/img.ts";
import type { Step } from "../chain.ts";
import type { BootReady, DiskReady } from "../states.ts";

/** Creates the empty disk, and the machine's own UEFI variables where it has UEFI. */
export const createDisk: Step<BootReady, DiskReady> = {
  name: "create disk",
  async run(state, { signal }) {
    const { host, plan, workspace: { files } } = state;
    await createQcow2(files.disk, plan.diskBytes, { qemuImg: host.qemuImg, signal });
    if (host.firmware === undefined) return { ...state, disk: files.disk };
    await createEfiVars(host.firmware, files.efiVars);
    return { ...state, disk: files.disk, efiVars: files.efiVars };
  },
};
