import type { Architecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";

/** The words of a kernel line that belong to the installer, and those that the installed system keeps. */
export interface KernelWords {
  readonly installer: readonly string[];
  readonly installed: readonly string[];
}

/** Divides extra words at a `---`: what follows it is kept by the installed system. */
export function splitKernelArgs(words: readonly string[]): KernelWords {
  const at = words.indexOf("---");
  if (at === -1) return { installer: words, installed: [] };
  return { installer: words.slice(0, at), installed: words.slice(at + 1) };
}

/** The serial console of a machine as a kernel argument. */
export function serialConsoleArg(architecture: Architecture): string {
  return `console=${serialDevice(architecture)},115200n8`;
}

/** The first serial device of a machine: the UART of PCs, the PL011 of arm64's virt board. */
export function serialDevice(architecture: Architecture): string {
  return architecture === "arm64" ? "ttyAMA0" : "ttyS0";
}

/** The kernel line as QEMU's -append takes it. Throws {@linkcode UsageError} for a word with a space in it. */
export function kernelLine(words: readonly string[]): string {
  for (const word of words) {
    if (word === "" || /[\s"]/.test(word)) {
      throw new UsageError(`The kernel line cannot hold the word ${JSON.stringify(word)}`, {
        hint: "Look for spaces and quotes in the profile's hostname, domain and build.kernelArgs.",
      });
    }
  }
  return words.join(" ");
}

/** The kernel line as it is typed in GRUB, which ends a command at a bare semicolon. */
export function grubKernelLine(words: readonly string[]): string {
  return kernelLine(words)
    .split(" ")
    .map((word) => /[;$&|<>{}\\']/.test(word) ? `"${word.replaceAll(/[\\$]/g, "\\$&")}"` : word)
    .join(" ");
}
