import { grubKernelLine } from "./kernel_line.ts";
import type { Installer, KernelArgsOptions } from "./installer.ts";

/** What a person types into an installer's boot menu. */
export interface BootParameters {
  /** Goes before the `---` of the menu entry's kernel line, quoted for GRUB. */
  readonly installer: string;
  /** Goes after it: what the installed system keeps; mostly empty. */
  readonly installed: string;
}

/** The boot parameters of an installer that a person starts from its own boot menu. */
export function bootParameters(installer: Installer, options: KernelArgsOptions): BootParameters {
  const words = installer.kernelArgs(options);
  const at = words.indexOf("---");
  return {
    installer: grubKernelLine(words.slice(0, at)),
    // The menu's own line ends in `--- quiet` or `---` already.
    installed: grubKernelLine(words.slice(at + 1).filter((word) => word !== "quiet")),
  };
}
