import type { Architecture } from "../architecture.ts";

// Two tiny guests, as bytes beside the instructions they are. Both count for a while and then wait for a timer, because a
// host can be able to start a guest and yet never get through its first loop or interrupt.

/**
 * A multiboot kernel, loaded at 0x100000: enters long mode, does a million rounds with memory in them, takes three timer
 * interrupts and writes 0x10 to the isa-debug-exit port 0xf4, which ends QEMU with status 33.
 */
const amd64 = `
  eb 22                            ; jmp 0x24 (QEMU enters at 0x100024)
  66 90                            ; nop
  02 b0 ad 1b 00 00 01 00          ; multiboot: magic, flags: addresses follow
  fe 4f 51 e4 04 00 10 00          ; checksum, address of this header
  00 00 10 00 00 00 00 00          ; load at 0x100000, the whole file
  00 00 00 00 24 00 10 00          ; no bss, entry 0x100024
  fa                               ; cli
  bc 00 00 20 00                   ; mov $0x200000, %esp
  c7 05 00 00 20 00 03 10 20 00    ; movl $0x201003, 0x200000: PML4
  c7 05 00 10 20 00 03 20 20 00    ; movl $0x202003, 0x201000: PDPT
  c7 05 00 20 20 00 83 00 00 00    ; movl $0x83, 0x202000: the first 2 MiB
  c7 05 08 20 20 00 83 00 20 00    ; movl $0x200083, 0x202008: the second
  b8 00 00 20 00 0f 22 d8          ; mov $0x200000, %eax; mov %eax, %cr3
  0f 20 e0 83 c8 20 0f 22 e0       ; mov %cr4, %eax; or $0x20 (PAE), %eax; mov %eax, %cr4
  b9 80 00 00 c0 0f 32             ; mov $0xc0000080 (EFER), %ecx; rdmsr
  0d 00 01 00 00 0f 30             ; or $0x100 (LME), %eax; wrmsr
  0f 20 c0 0d 01 00 00 80 0f 22 c0 ; mov %cr0, %eax; or $0x80000001 (PG, PE), %eax; mov %eax, %cr0
  0f 01 15 30 01 10 00             ; lgdt 0x100130
  ea 8a 00 10 00 08 00             ; ljmp $8, $0x10008a: long mode from here
  b8 10 00 00 00                   ; mov $0x10, %eax
  8e d8 8e c0 8e d0                ; mov %eax, %ds; mov %eax, %es; mov %eax, %ss
  bc 00 f0 1f 00                   ; mov $0x1ff000, %esp
  b9 00 00 10 00 31 c0             ; mov $0x100000, %ecx; xor %eax, %eax
  48 01 0c 25 00 30 20 00          ; 1: add %rcx, 0x203000
  48 03 04 25 00 30 20 00          ; add 0x203000, %rax
  ff c9 75 ec                      ; dec %ecx; jnz 1b
  48 8d 05 52 00 00 00             ; lea 0x10010e, %rax: the interrupt handler
  bf 00 42 20 00                   ; mov $0x204200, %edi: gate 0x20 of the IDT
  66 89 07 66 c7 47 02 08 00       ; mov %ax, (%rdi); movw $8, 2(%rdi)
  66 c7 47 04 00 8e                ; movw $0x8e00, 4(%rdi)
  c1 e8 10 66 89 47 06             ; shr $16, %eax; mov %ax, 6(%rdi)
  0f 01 1d 58 00 00 00             ; lidt 0x100136
  b0 11 e6 20 b0 20 e6 21          ; PIC: initialize, vectors from 0x20
  b0 04 e6 21 b0 01 e6 21          ; PIC: slave on line 2, 8086 mode
  b0 fe e6 21                      ; PIC: line 0 only
  b0 34 e6 43 b0 a9 e6 40          ; PIT: channel 0, periodic
  b0 04 e6 40                      ; PIT: about 1000 a second
  31 db                            ; xor %ebx, %ebx
  fb f4                            ; 2: sti; hlt
  83 fb 03 72 f9                   ; cmp $3, %ebx; jb 2b
  b0 10 e6 f4                      ; mov $0x10, %al; out %al, $0xf4: done
  f4 eb fd                         ; 3: hlt; jmp 3b
  50 ff c3                         ; handler: push %rax; inc %ebx
  b0 20 e6 20                      ; end of interrupt
  58 48 cf                         ; pop %rax; iretq
  00 00 00 00 00 00 00 00          ; GDT: null
  ff ff 00 00 00 9a af 00          ; GDT 8: 64-bit code
  ff ff 00 00 00 92 cf 00          ; GDT 16: data
  17 00 18 01 10 00                ; GDT: limit, address 0x100118
  0f 02 00 40 20 00 00 00 00 00    ; IDT: limit, address 0x204000
`;

/**
 * A flat image for the virt machine: does a million rounds, waits until the virtual timer has moved, writes "ok" to the
 * PL011 at 0x09000000 and calls PSCI SYSTEM_OFF, which ends QEMU with status 0.
 */
const arm64 = `
  00 02 a0 d2 ; mov x0, #0x100000
  00 04 00 f1 ; 1: subs x0, x0, #1
  e1 ff ff 54 ; b.ne 1b
  41 e0 3b d5 ; mrs x1, cntvct_el0
  df 3f 03 d5 ; 2: isb
  42 e0 3b d5 ; mrs x2, cntvct_el0
  5f 00 01 eb ; cmp x2, x1
  a0 ff ff 54 ; b.eq 2b
  03 20 a1 d2 ; mov x3, #0x9000000
  e4 0d 80 52 ; mov w4, #'o'
  64 00 00 b9 ; str w4, [x3]
  64 0d 80 52 ; mov w4, #'k'
  64 00 00 b9 ; str w4, [x3]
  00 01 80 d2 ; mov x0, #0x8
  00 80 b0 f2 ; movk x0, #0x8400, lsl #16: SYSTEM_OFF
  02 00 00 d4 ; hvc #0
  7f 20 03 d5 ; 3: wfi
  ff ff ff 17 ; b 3b
`;

/** The kernel image of the test guest. */
export function testGuestKernel(architecture: Architecture): Uint8Array {
  const listing = architecture === "amd64" ? amd64 : arm64;
  const words = listing.split("\n").flatMap((line) => line.split(";")[0]?.trim().split(/\s+/) ?? []);
  return Uint8Array.from(words.filter((word) => word !== ""), (word) => parseInt(word, 16));
}
