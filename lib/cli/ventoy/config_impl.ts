import { formatChecksum } from "../../iso/verify/checksum.ts";
import { unpackedVentoy } from "../../ventoy/release/download.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";
import { configuredRelease } from "./release.ts";

/** `pim ventoy config` */
export async function config(this: PimContext, flags: JsonFlags): Promise<void> {
  const release = await configuredRelease(this);
  const { version, url, checksum, folder } = release;
  const { settings } = await this.config();
  const values = {
    version,
    url,
    checksum: formatChecksum(checksum),
    folder,
    unpacked: await unpackedVentoy(release) !== undefined,
    device: settings.ventoy.device,
  };
  if (flags.json) return this.print(JSON.stringify(values, null, 2));
  this.print(table(
    ["WHAT", "VALUE"],
    Object.entries(values).map(([what, value]) => [what, shown(value)]),
  ));
}

function shown(value: string | boolean | undefined): string {
  return typeof value === "boolean" ? (value ? "yes" : "no: pim ventoy download") : value ?? "-";
}
