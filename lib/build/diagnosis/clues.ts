import type { StopSign } from "../../installer/installer.ts";
import type { Clue, Phase } from "./evidence.ts";

interface Sign {
  readonly pattern: RegExp;
  readonly kind: Clue["kind"];
  readonly meaning: string;
}

// Whatever the system, its kernel can die, and waits for ever then; and disks are finite.
const anywhere: readonly Sign[] = [
  { pattern: /Kernel panic - not syncing/, kind: "kernel-panic", meaning: "the kernel gave up" },
  { pattern: /No space left on device|\bENOSPC\b/, kind: "disk-full", meaning: "no space left" },
];

// Where a boot ends at a prompt at which nobody sits.
const whileBooting: readonly Sign[] = [
  { pattern: /No bootable (option or )?device/, meaning: "the firmware found nothing to boot" },
  {
    pattern: /^\s*grub( rescue)?>|error: no such (device|partition)/,
    meaning: "GRUB did not find its files",
  },
  {
    pattern: /No DEFAULT or UI configuration directive found|^boot:\s*$/,
    meaning: "the boot loader has no entry to boot",
  },
  {
    pattern: /ALERT! .*does not exist|^\(initramfs\)/,
    meaning: "the root file system was not found",
  },
  {
    pattern: /You are in (emergency|rescue) mode|Cannot open access to console, the root account is locked/,
    meaning: "systemd stopped in emergency mode",
  },
].map((sign) => ({ ...sign, kind: "boot-stopped" }));

/** What a line of the console or of the installer's log tells, if it is one of those that tell. */
export function readClue(line: string, phase: Phase, stopSigns: readonly StopSign[] = []): Clue | undefined {
  const signs = [...stopSigns, ...anywhere, ...(phase === "boot" ? whileBooting : [])];
  const found = signs.find(({ pattern }) => pattern.test(line));
  return found && { kind: found.kind, meaning: found.meaning, line: line.trim() };
}
