// What POST /nodes/{node}/qemu and `qm create` take, as far as pim uses it, from qemu-server's own schema.

type Test = (value: string) => boolean;

const matches = (pattern: RegExp): Test => (value) => pattern.test(value);
const label = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?";

/** A property string: a first value, and then KEY=VALUE with these keys. */
function properties(first: RegExp, keys: Readonly<Record<string, RegExp>>): Test {
  return (value) => {
    const [head = "", ...rest] = value.split(",");
    return first.test(head) && rest.every((part) => {
      const [key = "", ...text] = part.split("=");
      return keys[key]?.test(text.join("=")) ?? false;
    });
  };
}

const flag = /^[01]$/;
const volume = /^(?:[a-z][\w-]*:import\/[\w.+=-]+\.(qcow2|raw)|\/[\w./-]+)$/;
const newDisk = /^[a-z][\w-]*:\d+(\.\d+)?$/;

const known: Readonly<Record<string, Test>> = {
  vmid: matches(/^[1-9]\d{2,8}$/),
  name: matches(new RegExp(`^${label}(\\.${label})*$`)),
  description: (value) => value.length <= 8192,
  tags: matches(/^[a-z0-9_][a-z0-9_+.-]*([;, ][a-z0-9_][a-z0-9_+.-]*)*$/),
  pool: matches(/^[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/),
  ostype: matches(/^(other|wxp|w2k|w2k3|w2k8|wvista|win7|win8|win10|win11|l24|l26|solaris)$/),
  machine: matches(/^(pc|q35|pc-i440fx-\d.*|pc-q35-\d.*|virt)$/),
  cpu: matches(/^[A-Za-z0-9-]+(,.*)?$/),
  cores: matches(/^[1-9]\d*$/),
  memory: matches(/^[1-9]\d*$/),
  agent: properties(/^(enabled=)?[01]$/, { type: /^(virtio|isa)$/, "fstrim_cloned_disks": flag }),
  scsihw: matches(/^(lsi|lsi53c810|virtio-scsi-pci|virtio-scsi-single|megasas|pvscsi)$/),
  scsi0: properties(newDisk, {
    ...{ "import-from": volume, discard: /^(ignore|on)$/, iothread: flag, ssd: flag },
    ...{ format: /^(raw|qcow2|vmdk)$/, cache: /^(none|writeback|unsafe)$/ },
  }),
  efidisk0: properties(newDisk, {
    ...{ "import-from": volume, efitype: /^[24]m$/, "pre-enrolled-keys": flag, format: /^(raw|qcow2)$/ },
  }),
  ide2: matches(/^[a-z][\w-]*:cloudinit$/),
  boot: matches(/^order=[a-z]+\d+(;[a-z]+\d+)*$/),
  net0: properties(/^(virtio|e1000|vmxnet3)(=([0-9A-F]{2}:){5}[0-9A-F]{2})?$/, {
    ...{ bridge: /^[\w.-]+$/, firewall: flag, tag: /^\d+$/ },
  }),
  serial0: matches(/^(socket|\/dev\/.+)$/),
  bios: matches(/^(seabios|ovmf)$/),
};

/** What is wrong with the parameters of a new VM, by their names. */
export function createProblems(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const problems: Record<string, string> = {};
  for (const [key, value] of Object.entries(parameters)) {
    const test = known[key];
    if (test === undefined) {
      problems[key] = "property is not defined in schema and the schema does not allow additional properties";
    } else if (!test(value)) problems[key] = `invalid format - value does not match: ${value}`;
  }
  if (parameters.vmid === undefined) problems.vmid = "property is missing and it is not optional";
  for (const key of ["scsi0", "efidisk0"]) {
    const value = parameters[key] ?? "";
    if (!value.includes("import-from=")) continue;
    if (!/^[^:]+:0,/.test(value)) {
      problems[key] = "'import-from' requires special syntax - use <storage ID>:0,import-from=<source>";
    }
    for (const required of key === "efidisk0" ? ["efitype", "pre-enrolled-keys"] : []) {
      if (!value.includes(`${required}=`)) {
        problems[key] = `need to specify '${required}' when using 'import-from'`;
      }
    }
  }
  for (const key of ["scsi0", "efidisk0", "ide2"]) {
    const storage = parameters[key]?.split(":")[0];
    if (storage !== undefined && storage !== "local-lvm") {
      problems.storage = `storage '${storage}' does not support vm images`;
    }
  }
  return problems;
}

/** What the disks of a new VM are imported from. */
export function sourcesOf(parameters: Readonly<Record<string, string>>): string[] {
  return Object.values(parameters).flatMap((value) => /import-from=([^,]+)/.exec(value)?.[1] ?? []);
}
