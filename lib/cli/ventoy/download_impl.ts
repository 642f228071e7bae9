import { isoOptions } from "../../iso/options.ts";
import { log } from "../../log.ts";
import { downloadVentoy } from "../../ventoy/release/download.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { isoProgress } from "../iso/iso_progress.ts";
import { configuredRelease } from "./release.ts";

/** `pim ventoy download` */
export async function download(this: PimContext, flags: JsonFlags): Promise<void> {
  const release = await configuredRelease(this);
  using progress = await isoProgress(this);
  const { folder, version, fresh } = await downloadVentoy(release, {
    ...isoOptions(await this.config()),
    signal: this.signal,
    onProgress: progress.show,
  });
  if (flags.json) return this.print(JSON.stringify({ version, folder, fresh, url: release.url }, null, 2));
  if (!fresh) log.info(`Ventoy ${version} is here already`);
  this.print(folder);
}
