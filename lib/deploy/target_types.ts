import { aws } from "./aws/aws.ts";
import { file } from "./file.ts";
import { libvirt } from "./libvirt/libvirt.ts";
import { oci } from "./oci/oci.ts";
import { openstack } from "./openstack/openstack.ts";
import { proxmox } from "./proxmox/proxmox.ts";
import { ssh } from "./ssh/ssh.ts";
import type { TargetType } from "./target.ts";
import { utm } from "./utm/utm.ts";

/** Every kind of target. What a kind needs beside its settings' shape is loaded when one is opened. */
// deno-lint-ignore no-explicit-any -- each has settings of its own, which only its own functions see
export const targetTypes: readonly TargetType<any>[] = [
  file,
  ssh,
  libvirt,
  proxmox,
  utm,
  aws,
  openstack,
  oci,
];
