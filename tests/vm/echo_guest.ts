// A guest of one boot sector: says "echo ready" on its first serial port and gives back every byte that comes there, but
// for two: Ctrl-B has it write 64 KiB that do not repeat themselves and a line feed, Ctrl-D powers the machine off.
const code = `
  31 c0 8e d8          ; xor %ax, %ax; mov %ax, %ds
  bb 01 00             ; mov $1, %bx: what the bursts are made from
  ba fa 03 b0 01 ee    ; UART: FIFOs on, so that it takes 16 bytes at once
  b0 34 e6 43          ; PIT: channel 0, periodic
  b0 a9 e6 40          ; PIT: about 1000 a second, each of which ends a hlt
  b0 04 e6 40          ;
  fb                   ; sti
  be 78 7c             ; mov $greeting, %si
  ac 84 c0 74 05       ; 1: lodsb; test %al, %al; jz 2f
  e8 44 00 eb f6       ; call put; jmp 1b
  ba fd 03 ec a8 01    ; 2: in 0x3fd: has a byte come?
  75 03                ; jnz 3f
  f4 eb f5             ; hlt; jmp 2b
  ba f8 03 ec          ; 3: in 0x3f8: the byte
  3c 04 74 25          ; cmp $4, %al; je off
  3c 02 74 05          ; cmp $2, %al; je burst
  e8 28 00 eb e4       ; call put; jmp 2b
  31 c9                ; burst: xor %cx, %cx: 65536 times
  d1 eb 73 04          ; 4: shr %bx; jnc 5f
  81 f3 00 b4          ; xor $0xb400, %bx: comes round after 65535 steps
  88 d8 24 3f 04 30    ; 5: mov %bl, %al; and $0x3f, %al; add $'0', %al
  e8 13 00 e2 ed       ; call put; loop 4b
  b0 0a e8 0c 00 eb c8 ; mov $'\\n', %al; call put; jmp 2b
  ba 04 06 b8 00 20 ef ; off: out 0x2000, 0x604: S5, as SeaBIOS sets the chipset up
  f4 eb fd             ; 6: hlt; jmp 6b
  50 ba fd 03          ; put: push %ax
  ec a8 20 74 fb       ; 7: in 0x3fd; test $0x20, %al; jz 7b
  58 ba f8 03 ee c3    ; pop %ax; out %al, 0x3f8; ret
  65 63 68 6f 20 72 65 61 64 79 0d 0a 00 ; greeting: "echo ready\\r\\n"
`;

/** What the guest says first. */
export const greeting = "echo ready\r\n";
/** Has it write 64 KiB and a line feed. */
export const burst = "\x02";
export const burstBytes = 64 * 1024 + 1;

/** What so many bursts since the start say together. */
export function burstText(count: number): string {
  let state = 1;
  const bytes: number[] = [];
  for (let burst = 0; burst < count; burst++) {
    for (let step = 1; step < burstBytes; step++) {
      state = (state >> 1) ^ (state & 1 ? 0xb400 : 0);
      bytes.push(0x30 + (state & 0x3f));
    }
    bytes.push(0x0a);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

export const powerOff = "\x04";

/** Writes the guest's disk, a raw image, and returns its path. */
export async function writeEchoGuest(path: string): Promise<string> {
  const words = code.split("\n").flatMap((line) => line.split(";")[0]?.trim().split(/\s+/) ?? []);
  const bytes = words.filter((word) => word !== "").map((word) => parseInt(word, 16));
  const sector = new Uint8Array(512);
  sector.set(bytes);
  sector.set([0x55, 0xaa], 510);
  await Deno.writeFile(path, sector);
  await Deno.truncate(path, 1024 * 1024); // A BIOS boots from no disk without a geometry.
  return path;
}
