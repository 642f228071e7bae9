import { basename, dirname } from "node:path";
import * as v from "valibot";
import { architectures } from "../architecture.ts";
import { PimError } from "../errors.ts";
import { readTextIfThere, writeFileAtomic } from "../files.ts";
import { baseFormats } from "../qemu/img_args.ts";

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));

const forwardSchema = v.object({
  /** 0 takes any free port at each start. */
  hostPort: whole,
  guestPort: whole,
  protocol: v.optional(v.picklist(["tcp", "udp"]), "tcp"),
});

/** What a VM is, from one start to the next; kept as vm.json in the VM's folder. */
export const definitionSchema = v.object({
  version: v.literal(1),
  name: v.string(),
  /** ISO 8601, UTC. */
  created: v.string(),
  /** What its disk was made from; name and profile are known of images in the registry. */
  image: v.object({
    path: v.string(),
    format: v.picklist(baseFormats),
    name: v.optional(v.string()),
    profile: v.optional(v.string()),
  }),
  architecture: v.picklist(architectures),
  firmware: v.picklist(["bios", "uefi"]),
  /** How it uses the image: a thin overlay, a full copy, or an overlay that is gone when the VM ends. */
  disk: v.picklist(["overlay", "clone", "snapshot"]),
  memoryMiB: whole,
  cpus: whole,
  macAddress: v.string(),
  network: v.variant("kind", [
    v.object({ kind: v.literal("user"), forwards: v.array(forwardSchema) }),
    /** In the host's network; the interface as the user named it. */
    v.object({ kind: v.literal("bridged"), interface: v.optional(v.string()) }),
  ]),
  shares: v.array(v.object({ path: v.string(), tag: v.string(), readonly: v.boolean() })),
  usb: v.array(v.object({ vendorId: v.string(), productId: v.string() })),
  vnc: v.boolean(),
  /** Whether a NoCloud seed lies in the VM's folder. */
  seed: v.boolean(),
  qemuArgs: v.array(v.string()),
  /** Whom to log in as over SSH, as far as it is known. */
  username: v.optional(v.string()),
  /** Port of SSH inside the guest. */
  guestSshPort: whole,
  /** The private key to log in with. */
  sshKey: v.optional(v.string()),
});

/** What a VM is, from one start to the next. */
export type VmDefinition = v.InferOutput<typeof definitionSchema>;

/** A way in which a VM uses an image. */
export type DiskMode = VmDefinition["disk"];

/** A TCP or UDP port of the guest on 127.0.0.1 of the host. */
export type Forward = v.InferOutput<typeof forwardSchema>;

/** Reads a vm.json; undefined when there is none. Throws when it cannot be understood. */
export async function readDefinition(path: string): Promise<VmDefinition | undefined> {
  const definition = await readChecked(path, definitionSchema);
  // The folder's name counts: it may have been renamed or copied by hand.
  return definition && { ...definition, name: basename(dirname(path)) };
}

/** Writes a vm.json, which is private: a VM's arguments may say more than others should know. */
export async function writeDefinition(path: string, definition: VmDefinition): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify(definition, null, 2)}\n`, { mode: 0o600 });
}

/** Reads a JSON file of pim's own; undefined when there is none. */
export async function readChecked<T>(
  path: string,
  schema: v.GenericSchema<unknown, T>,
): Promise<T | undefined> {
  const text = await readTextIfThere(path);
  if (text === undefined) return undefined;
  try {
    return v.parse(schema, JSON.parse(text));
  } catch (cause) {
    const why = v.isValiError(cause) ? v.summarize(cause.issues) : "it is no JSON";
    throw new PimError(`${path} is damaged: ${why}`, { cause });
  }
}
