/** Where the guest of {@linkcode countingBootSector} counts. */
export const counterAddress = 0x600;
/** Where it writes {@linkcode runsMark} before it begins. */
export const markAddress = 0x604;
export const runsMark = 0x70696d21;

/** A boot sector for a BIOS: a guest that counts up in memory without an end. */
export function countingBootSector(): Uint8Array<ArrayBuffer> {
  const sector = new Uint8Array(512);
  sector.set([
    ...[0xfa], // cli
    ...[0x31, 0xc0], // xor ax, ax
    ...[0x8e, 0xd8], // mov ds, ax
    ...[0x66, 0xc7, 0x06, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00], // mov dword [0x600], 0
    ...[0x66, 0xc7, 0x06, 0x04, 0x06, 0x21, 0x6d, 0x69, 0x70], // mov dword [0x604], 0x70696d21
    ...[0x66, 0xff, 0x06, 0x00, 0x06], // again: inc dword [0x600]
    ...[0xeb, 0xf9], // jmp again
  ]);
  sector.set([0x55, 0xaa], 510);
  return sector;
}
