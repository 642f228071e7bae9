import { homeDir, ventoyDir } from "../../paths.ts";
import { type VentoyRelease, ventoyRelease } from "../../ventoy/release/release.ts";
import type { PimContext } from "../context.ts";

/** The release of Ventoy that this configuration means. */
export async function configuredRelease(context: PimContext): Promise<VentoyRelease> {
  const { settings, paths } = await context.config();
  return ventoyRelease(settings.ventoy, ventoyDir(paths), homeDir(context.env));
}
