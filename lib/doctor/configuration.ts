import type { Config } from "../config/config.ts";
import { exists } from "../files.ts";
import { openRegistry } from "../image/registry.ts";
import { loadCatalog } from "../iso/catalog/catalog.ts";
import { registryFile } from "../paths.ts";
import { configIfSound, type DoctorContext, type Finding, ok, warning } from "./finding.ts";

/** Checks pim.yml, and says which folders count. */
export async function checkSettings(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await context.config();
  const own = config.folders.filter(({ kind }) => kind !== "built-in");
  const there: string[] = [];
  for (const { kind, path } of own) if (await exists(path)) there.push(`${kind} ${path}`);
  if (there.length > 0) return [ok("settings", there.join(", ")), ...unusedSettings(config)];
  const none = `there is no configuration yet in ${config.paths.configDir}, and no project`;
  return [warning("settings", none, "pim init")];
}

/** Settings that the earlier pim knew and this one only reads. */
function unusedSettings({ settings, sources }: Config): Finding[] {
  const names = (["builders", "remotes"] as const).filter((key) =>
    Object.keys(settings.build[key] ?? {}).length > 0
  );
  if (names.length === 0) return [];
  const keys = names.map((name) => `build.${name}`);
  const files = keys.flatMap((key) =>
    [...sources].filter(([path]) => path.startsWith(`${key}.`)).map(([, file]) => file)
  );
  return [warning(
    "remote builders",
    `${keys.join(" and ")} ${
      keys.length > 1 ? "name" : "names"
    } other hosts, but this pim builds on its own host only`,
    `Remove ${keys.join(" and ")} from ${[...new Set(files)].join(", ") || "pim.yml"}; ` +
      "run pim on the other host, and get its images with `pim image pull`.",
  )];
}

/** Checks the ISO catalog. */
export async function checkCatalog(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  if (config === undefined) return [];
  const isos = await loadCatalog(config.folders);
  return [
    ok("ISO catalog", isos.length === 0 ? "empty yet; see: pim iso search" : `${isos.length} in the catalog`),
  ];
}

/** Checks the registry of images. */
export async function checkImages(context: DoctorContext): Promise<readonly Finding[]> {
  const config = await configIfSound(context);
  if (config === undefined) return [];
  const images = (await openRegistry(registryFile(config.paths))).list();
  return [ok("images", images.length === 0 ? "none yet" : `${images.length} in the registry`)];
}
