import { basename } from "node:path";
import { messageOf, PimError } from "../errors.ts";
import { exists } from "../files.ts";
import { nearestFolder } from "../image/space.ts";
import { userPaths } from "../paths.ts";
import { formatArgv } from "../process.ts";
import { configIfSound, type DoctorContext, type Finding, ok, problem } from "./finding.ts";

/** Checks that what pim has to write to can be written to. Nothing stays behind. */
export async function checkFolders(context: DoctorContext): Promise<readonly Finding[]> {
  const { dataDir, cacheDir } = userPaths(context.env);
  const settings = (await configIfSound(context))?.settings;
  return await Promise.all([
    checkWritable("data", dataDir, "Choose another one: PIM_DATA_DIR."),
    checkWritable("cache", cacheDir, "Choose another one: PIM_CACHE_DIR."),
    ...(settings === undefined ? [] : [
      checkWritable("images", settings.build.image_dir, "Choose another one: build.image_dir in pim.yml."),
      checkWritable("ISOs", settings.iso.iso_dir, "Choose another one: iso.iso_dir in pim.yml."),
    ]),
  ]);
}

/** Tries to make something in a folder, or where that will be made. */
export async function checkWritable(name: string, dir: string, otherwise: string): Promise<Finding> {
  try {
    const { path } = await nearestFolder(dir);
    await Deno.remove(await Deno.makeTempDir({ dir: path, prefix: ".pim-doctor-" }));
    return ok(name, path === dir ? dir : `${dir}, which is not there yet`);
  } catch (error) {
    const detail = `${dir} cannot be written to: ${reason(error)}`;
    return problem(name, detail, await ownerFix(dir) ?? otherwise);
  }
}

/** The runtime's own words name what only this check has tried. */
function reason(error: unknown): string {
  const cause = error instanceof PimError ? error.cause : error;
  return cause instanceof Deno.errors.PermissionDenied ? "no permission" : messageOf(cause);
}

/** What an earlier pim made as root is to be given back to who uses it now. */
async function ownerFix(dir: string): Promise<string | undefined> {
  // Of no other folder: nobody should be told to take over /srv and all below it.
  if (basename(dir) !== "pim") return undefined;
  const uid = Deno.uid();
  const owner = await Deno.stat(dir).then(({ uid }) => uid, () => undefined);
  if (uid === null || owner !== 0 || uid === 0) return undefined;
  return formatArgv(["sudo", "chown", "-R", `${uid}:${Deno.gid()}`, dir]);
}

/** Checks that the configuration of the user can be read, or made where there is none; it need not be writable. */
export async function checkConfigFolder({ env }: DoctorContext): Promise<readonly Finding[]> {
  const { configDir } = userPaths(env);
  const [name, otherwise] = ["configuration", "Choose another one: PIM_CONFIG_DIR."];
  try {
    if (!await exists(configDir)) {
      const finding = await checkWritable(name, configDir, otherwise);
      return [finding.result === "ok" ? finding : { ...finding, result: "warning" }];
    }
    for await (const _ of Deno.readDir(configDir)) break;
    return [ok(name, configDir)];
  } catch (error) {
    const detail = `${configDir} cannot be read: ${reason(error)}`;
    return [problem(name, detail, await ownerFix(configDir) ?? otherwise)];
  }
}
