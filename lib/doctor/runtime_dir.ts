import { HostError } from "../errors.ts";
import { ensureRuntimeDir, findRuntimeDir, type Paths, runtimeFiles, userPaths } from "../paths.ts";
import { formatArgv } from "../process.ts";
import { maxSocketPathBytes } from "../qemu/machine.ts";
import { checkWritable } from "./folders.ts";
import { type DoctorContext, type Finding, found, ok, problem, warning } from "./finding.ts";

/** Checks the folder of sockets and pid files: ours, closed to others, and with a path that leaves room for names. */
export async function checkRuntimeDir({ env }: DoctorContext): Promise<readonly Finding[]> {
  const paths = userPaths(env);
  const dir = await findRuntimeDir(paths);
  if (dir === undefined) return [await refusal(paths)];
  return [await judgePrivacy(dir), judgeSocketPaths(dir)];
}

/** A link that somebody planted is not followed. What cannot be looked at is not there: writing tells why. */
async function lstatIfThere(path: string): Promise<Deno.FileInfo | undefined> {
  return await Deno.lstat(path).catch(() => undefined);
}

/** What every command would say. */
async function refusal(paths: Paths): Promise<Finding> {
  try {
    return ok("runtime", await ensureRuntimeDir(paths));
  } catch (error) {
    if (!(error instanceof HostError)) throw error;
    return found("problem", "runtime", error);
  }
}

async function judgePrivacy(dir: string): Promise<Finding> {
  const mode = ((await lstatIfThere(dir))?.mode ?? 0o700) & 0o777;
  if ((mode & 0o077) !== 0) {
    const detail = `${dir} is open to others (mode ${mode.toString(8)}); the next VM will close it`;
    return warning("runtime", detail, formatArgv(["chmod", "700", dir]));
  }
  return await checkWritable("runtime", dir, "Set PIM_RUNTIME_DIR to a folder of your own.");
}

// What a build adds to the name of its profile.
const buildNameBytes = "-amd64-20261231T235959Z".length;
const usualProfileBytes = 16;
const longestNameBytes = 64;

/** Whether sockets of VMs and builds can have their names in a folder. */
export function judgeSocketPaths(dir: string): Finding {
  const name = "socket paths";
  // The longest of a machine's sockets.
  const bytes = new TextEncoder().encode(runtimeFiles(dir, "x").migration).length - 1;
  const room = Math.min(longestNameBytes, maxSocketPathBytes - bytes);
  const forProfiles = room - buildNameBytes;
  if (forProfiles >= usualProfileBytes) return ok(name, `names of VMs may have ${room} letters`);
  const fix = `Set PIM_RUNTIME_DIR to a shorter path: export PIM_RUNTIME_DIR=/tmp/pim-${Deno.uid()}`;
  if (forProfiles >= 1) {
    const detail =
      `${dir} is long: profiles that are built may have names of ${forProfiles} letters, VMs of ${room}`;
    return warning(name, detail, fix);
  }
  const vms = room < 1 ? "no VM" : `only VMs with names of ${room} letters`;
  return problem(name, `${dir} is too long for sockets: no build and ${vms} can run there`, fix);
}
