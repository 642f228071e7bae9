import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError, PimError, UsageError } from "../../errors.ts";
import { lastLines } from "../../lines.ts";
import { log } from "../../log.ts";
import { ProcessError, run, start } from "../../process.ts";
import { becomeRoot } from "../../sudo.ts";
import { type BlockDevice, partitionsOf } from "../disk/block_devices.ts";
import { findDevice } from "../disk/find_disk.ts";
import { checkIdentity } from "../disk/identity.ts";
import { checkMayWrite } from "../disk/may_write.ts";
import { versionOnStick } from "../disk/version.ts";
import { installerName, type UnpackedVentoy } from "../release/download.ts";
import { stickOn } from "../stick/find_stick.ts";
import type { Inspected } from "./inspect.ts";
import { type InstallChoice, installerAnswers, installerArgs, plainLine } from "./installer_args.ts";

/** Options of {@linkcode prepareStick}. */
export interface PrepareOptions {
  readonly choice: InstallChoice;
  readonly allowFixed?: boolean;
  readonly signal?: AbortSignal;
  /** Called with each line that the installer prints. */
  readonly onLine?: (line: string) => void;
}

/** A stick that Ventoy has just been put on. */
export interface Prepared {
  readonly device: string;
  /** Undefined when the stick does not tell. */
  readonly version: string | undefined;
  readonly dataPartition: string;
}

type Root = Awaited<ReturnType<typeof becomeRoot>>;

/** Refuses what does not fit what is on the disk, before anybody is asked to confirm it. */
export function checkChoice({ disk, ventoy }: Inspected, { mode }: InstallChoice): void {
  if (mode === "update" && ventoy === undefined) {
    throw new UsageError(`There is no Ventoy on ${disk.path} to update`, {
      hint: `Install it, which erases the disk: pim ventoy prepare ${disk.path}`,
    });
  }
  if (mode !== "install" || ventoy === undefined) return;
  throw new UsageError(`${disk.path} has Ventoy ${ventoy.version ?? "(of unknown version)"} already`, {
    hint: "--update brings it to the release in the cache and keeps all files; --force erases the stick.",
  });
}

/** Puts Ventoy on a disk that was looked at and confirmed. Everything on it is lost, except with mode `update`. */
export async function prepareStick(
  inspected: Inspected,
  ventoy: UnpackedVentoy,
  options: PrepareOptions,
): Promise<Prepared> {
  const { choice, signal } = options;
  const root = await becomeRoot(`Writing to ${inspected.disk.path} takes root's rights`, signal);
  // sudo may have waited for a password: the disk is looked at once more, as late as can be.
  const disk = await checkIdentity(inspected.identity, signal);
  await checkMayWrite({ device: disk, disk }, options);
  if (choice.mode !== "update") await wipe(disk, root);
  await install(disk.path, ventoy, root, options);
  return await checkResult(disk.path, choice, root);
}

/**
 * Removes the signatures of what was there. An ISO written over the whole disk would else be found again beside
 * Ventoy's partitions; and wipefs fails on what is in use, whoever uses it.
 */
async function wipe(disk: BlockDevice, root: Root): Promise<void> {
  try {
    for (const { path } of [...partitionsOf(disk), disk]) {
      await run(root(["wipefs", "--all", "--quiet", path]));
    }
  } catch (cause) {
    if (!(cause instanceof ProcessError)) throw cause;
    throw new PimError(`Cannot erase ${disk.path}: ${lastLines(cause.stderr, 3)}`, {
      cause,
      hint: /busy/i.test(cause.stderr)
        ? "Something still uses it; close that, or plug it in again."
        : undefined,
    });
  }
}

async function install(
  disk: string,
  ventoy: UnpackedVentoy,
  root: Root,
  { choice, onLine, signal }: PrepareOptions,
): Promise<void> {
  const said: string[] = [];
  // Its own bash: `sh` may be one that does not know `echo -e`, which the installer uses.
  const argv = ["bash", join(ventoy.folder, installerName), ...installerArgs(disk, choice)];
  // No signal: an installer that is ended half-way leaves half a stick; Ctrl-C of a terminal reaches it anyway.
  const child = start(root(argv), {
    cwd: ventoy.folder,
    stdin: installerAnswers(choice),
    // The installer asks who is root by this.
    env: { USER: "root" },
    onStdout(line) {
      const plain = plainLine(line);
      if (plain === "") return;
      said.push(plain);
      onLine?.(plain);
    },
  });
  const { code } = await child.ended;
  const uid = Deno.uid();
  if (uid !== null && uid !== 0) {
    // It unpacks tools and writes a log there: root's files in a user's cache could not be removed again.
    await run(root(["chown", "-R", `${uid}:${Deno.gid()}`, ventoy.folder])).catch(() => {});
  }
  if (signal?.aborted) {
    log.warn(`${disk} may have half a Ventoy on it: it has to be prepared anew (--force)`);
    throw new CancelledError();
  }
  // Its launcher ends with success whatever came of its work, so its words count.
  if (code === 0 && said.some((line) => line.includes("successfully finished"))) return;
  const words = lastLines([...said, child.stderr()].join("\n"), 8);
  throw new PimError(`Ventoy's installer failed on ${disk}:\n${words}`, {
    hint: `Its own log is ${join(ventoy.folder, "log.txt")}`,
  });
}

const looks = 10;
const pauseMs = 300;

/** Whatever the installer says, what counts is what is on the disk. */
async function checkResult(path: string, { mode }: InstallChoice, root: Root): Promise<Prepared> {
  // The kernel and udev may still be busy with the new partitions.
  let stick = await stickOn((await findDevice(path)).disk);
  for (let left = looks; stick === undefined && left > 1; left--) {
    await sleep(pauseMs);
    stick = await stickOn((await findDevice(path)).disk);
  }
  if (stick === undefined) {
    throw new PimError(
      `Ventoy's installer says that it has finished, but ${path} has not Ventoy's partitions`,
      {
        hint: "Plug the stick in again and look: pim ventoy list",
      },
    );
  }
  const { data, boot } = stick;
  // Read from the disk: what udev tells may be of before.
  const { stdout } = await run(root(["blkid", "-p", "-o", "value", "-s", "TYPE", data.path]), {
    okStatus: [0, 2],
  });
  if (mode !== "update" && stdout.trim() !== "exfat") {
    throw new PimError(
      `Ventoy's installer has not made exFAT on ${data.path}, but ${stdout.trim() || "nothing"}`,
    );
  }
  return { device: path, version: await versionOnStick(boot.path), dataPartition: data.path };
}
