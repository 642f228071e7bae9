import { PimError } from "../../errors.ts";
import { log } from "../../log.ts";
import { readFat16File } from "./fat16.ts";

/** The version of Ventoy on a stick, from the boot menu on its own partition; undefined when it cannot be read. */
export async function versionOnStick(bootPartition: string): Promise<string | undefined> {
  try {
    const menu = await readFat16File(bootPartition, ["grub", "grub.cfg"]);
    return menu && parseVersion(new TextDecoder().decode(menu));
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    log.debug(`The version of Ventoy on ${bootPartition} cannot be read: ${error.message}`);
    return undefined;
  }
}

/** The version that a grub.cfg of Ventoy names. */
export function parseVersion(menu: string): string | undefined {
  return /^\s*set VENTOY_VERSION=["']?([^"'\s]+)/m.exec(menu)?.[1];
}
