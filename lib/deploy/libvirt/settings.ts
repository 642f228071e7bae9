import * as v from "valibot";
import { parseMemoryMiB } from "../../memory.ts";
import { nameTemplate } from "../name_template.ts";

const plainName = (what: string) => v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.][A-Za-z0-9_.+:-]*$/, what));
const amount = "an amount of memory in MiB, such as 2048, or 4G";

/** The shape of a target that is a host with libvirt. */
export const libvirtSchema = v.strictObject({
  /** As `virsh --connect` takes it: qemu:///system, qemu+ssh://user@host/system. */
  uri: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^qemu(\+\w+)?:\/\//, "a URI of libvirt's QEMU driver, such as qemu:///system"),
    ),
    "qemu:///system",
  ),
  /** The storage pool: a folder or a mounted share. */
  pool: v.optional(plainName("the name of a storage pool"), "default"),
  /** Whether a domain is made that boots the image, or none and only a volume. */
  define: v.optional(v.picklist(["domain", "none"]), "domain"),
  /** Memory of the machine. */
  memory: v.optional(
    v.pipe(
      v.union([v.string(), v.number()], amount),
      v.transform((value) => parseMemoryMiB(String(value)) ?? NaN),
      v.number(amount),
      v.integer(amount),
      v.minValue(64, "64 MiB or more"),
    ),
    2048,
  ),
  /** Processors of the machine. */
  cpus: v.optional(v.pipe(v.number(), v.integer("a whole number"), v.minValue(1, "1 or more")), 2),
  /** A network of libvirt's, "bridge:NAME", "user" or "none"; unless given "default", and "user" in a session. */
  network: v.optional(plainName('the name of a network, "bridge:NAME", "user" or "none"')),
  /** What runs the guest: KVM where the host has it. */
  domain_type: v.optional(v.picklist(["auto", "kvm", "qemu"]), "auto"),
  /** Whether the domain is started. */
  start: v.optional(v.boolean(), false),
  /** Name of the domain, and of the volume without its ending. */
  name: nameTemplate,
});

/** The settings of a target that is a host with libvirt. */
export type LibvirtSettings = v.InferOutput<typeof libvirtSchema>;

/** What a domain's network card is connected to; libvirt's own networks are out of a session's reach. */
export function networkOf({ network, uri }: LibvirtSettings): string {
  return network ?? (/\/session(\?|$)/.test(uri) ? "user" : "default");
}
