/**
 * Where each device sits on a machine's PCI bus: one layout for every phase of an image's life, because the guest's
 * name for its network card (enp0s2) comes from the slot and an installer writes it down. The chipset has 0x0 and 0x1f;
 * 0x7 and 0x18 to 0x1e are free for extra arguments.
 */
export const pciSlot = {
  graphics: 0x1,
  network: 0x2,
  serial: 0x3,
  rng: 0x4,
  scsi: 0x5,
  usb: 0x6,
  /** The first of {@linkcode maxDisks}. */
  disks: 0x8,
  /** The first of {@linkcode maxShares}. */
  shares: 0x10,
} as const;

/** How many disks have a slot. */
export const maxDisks = 8;

/** How many shared folders have a slot. */
export const maxShares = 8;

/** The `addr=` of a device in a slot. */
export function pciAddress(slot: number): string {
  return `addr=0x${slot.toString(16)}`;
}
