import { UsageError } from "../../errors.ts";
import { fillName } from "../name_template.ts";
import type { DeployImage } from "../target.ts";
import type { ProxmoxSettings } from "./settings.ts";

/** The image that a VM was made of. */
export interface PveMark {
  readonly image: string;
  readonly sha256: string;
}

/** How a VM of pim's is told from others: this line begins its notes. Clones inherit notes, but have another id. */
export function pveMark({ entry, sha256 }: Pick<DeployImage, "entry" | "sha256">, vmid: number): string {
  return `pim image ${entry.name} sha256:${sha256} vmid:${vmid}`;
}

/** What the notes of the VM with this id say; undefined when pim has not made it. */
export function markOf(description: string, vmid: number): PveMark | undefined {
  const [, image, sha256, id] = /^pim image (\S+) sha256:([0-9a-f]{64}) vmid:(\d+)\s*$/m.exec(description) ??
    [];
  return image === undefined || sha256 === undefined || Number(id) !== vmid ? undefined : { image, sha256 };
}

/** Name of the template: what Proxmox VE takes is a host name, which has no underscores. */
export function vmName(template: string, { entry }: Pick<DeployImage, "entry">): string {
  const name = fillName(template, entry).replaceAll("_", "-");
  if (/^([a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?)*$/.test(name)) {
    return name;
  }
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of a VM in Proxmox VE`, {
    hint: "Set `name` in targets.d: letters, digits and dashes, dots between them.",
  });
}

/** The parameters that make the VM, as the API and `qm create` take them; `disk` and `vars` are what was brought. */
export function vmParameters(
  vmid: number,
  image: DeployImage,
  settings: ProxmoxSettings,
  { disk, vars }: { readonly disk: string; readonly vars: string | undefined },
): Readonly<Record<string, string>> {
  const { storage, bridge, cpu, cpus, memory, cloud_init, tags, pool } = settings;
  const efi = vars === undefined ? `${storage}:1` : `${storage}:0,import-from=${vars}`;
  return {
    name: vmName(settings.name, image),
    description: pveMark(image, vmid),
    tags: ["pim", ...tags.filter((tag) => tag !== "pim")].join(";"),
    ...(pool !== undefined && { pool }),
    ...{
      ostype: "l26",
      machine: "q35",
      cpu,
      cores: String(cpus),
      memory: String(memory),
      agent: "enabled=1",
    },
    ...{ scsihw: "virtio-scsi-single", scsi0: `${storage}:0,import-from=${disk},discard=on,iothread=1` },
    ...{ boot: "order=scsi0", net0: `virtio,bridge=${bridge}`, serial0: "socket" },
    ...(cloud_init && { ide2: `${storage}:cloudinit` }),
    ...(image.entry.firmware === "uefi" && {
      bios: "ovmf",
      efidisk0: `${efi},efitype=4m,pre-enrolled-keys=0`,
    }),
  };
}
