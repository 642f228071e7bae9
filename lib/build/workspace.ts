import { join } from "node:path";
import { type Architecture, parseArchitecture } from "../architecture.ts";
import { messageOf, PimError } from "../errors.ts";
import { exists, isLocked, lockFile, removeIfThere } from "../files.ts";
import {
  buildsDir,
  checkName,
  ensureRuntimeDir,
  type Paths,
  type RuntimeFiles,
  runtimeFiles,
} from "../paths.ts";

/** The folder of one build while it runs; after a failure it holds what is kept. */
export interface Workspace extends AsyncDisposable {
  readonly dir: string;
  readonly files: WorkspaceFiles;
  /** Sockets of the build's machine. */
  readonly runtime: RuntimeFiles;
  /** A path for another file of the build's disk. */
  nextDisk(): string;
  /** Says which file the machine writes to: that one is kept of a failed build, as `files.disk`. */
  useDisk(path: string): void;
  /** The folder in which a layer with this id is put together. */
  stagedLayer(id: string): string;
  /** Decides what is left behind when the workspace is disposed of; "nothing" unless told otherwise. */
  keep(what: "nothing" | "logs" | "everything"): void;
}

/** The files of a build, by what they are. */
export interface WorkspaceFiles {
  readonly disk: string;
  readonly efiVars: string;
  readonly kernel: string;
  readonly initrd: string;
  readonly serialLog: string;
  readonly buildLog: string;
  readonly events: string;
  /** Id of the layer that the build began with, before its disk says so. */
  readonly layer: string;
  /** Why the build failed; a folder without it is that of a pim that was killed. */
  readonly reason: string;
  /** How QEMU was started, in each of its phases. */
  readonly argv: string;
  /** The requests that the seed server had, and the log that the installer sent. */
  readonly seedLog: string;
  readonly installerLog: string;
  /** Folder of the answer files as they were served, without their secrets. */
  readonly answers: string;
  /** What the machine showed when the build failed. */
  readonly screenshot: string;
  /** The private key that the guest lets in as long as its disk is not an image. */
  readonly buildKey: string;
  /** Room that is set aside for telling of a disk that is full. */
  readonly reserve: string;
  /** Folder of the machines that verify the image, the log of their serial consoles, and what they have shown. */
  readonly verify: string;
  readonly verifyLog: string;
  readonly verification: string;
}

const lockName = "lock";

function workspaceFiles(dir: string): WorkspaceFiles {
  return {
    disk: join(dir, "disk.qcow2"),
    efiVars: join(dir, "efi-vars.fd"),
    kernel: join(dir, "kernel"),
    initrd: join(dir, "initrd"),
    serialLog: join(dir, "serial.log"),
    buildLog: join(dir, "build.log"),
    events: join(dir, "build.ndjson"),
    layer: join(dir, "layer"),
    reason: join(dir, "reason.json"),
    argv: join(dir, "argv"),
    seedLog: join(dir, "seed.log"),
    installerLog: join(dir, "installer.log"),
    answers: join(dir, "answers"),
    screenshot: join(dir, "screenshot.png"),
    buildKey: join(dir, "build-key"),
    reserve: join(dir, "reserve"),
    verify: join(dir, "verify"),
    verifyLog: join(dir, "verify.serial.log"),
    verification: join(dir, "verification.json"),
  };
}

/**
 * Makes the folder of a build and holds its lock, which tells other processes that the build is alive; undefined when
 * a build of that name is there.
 */
export async function openWorkspace(paths: Paths, name: string): Promise<Workspace | undefined> {
  const dir = join(buildsDir(paths), checkName(name, "build name"));
  const runtime = runtimeFiles(await ensureRuntimeDir(paths), name);
  const lock = await makeLocked(dir);
  if (lock === undefined) return undefined;
  const files = workspaceFiles(dir);
  let kept: "nothing" | "logs" | "everything" = "nothing";
  let disk = files.disk;
  let disks = 0;
  return {
    dir,
    files,
    runtime,
    nextDisk: () => join(dir, `disk-${++disks}.qcow2`),
    useDisk: (path) => disk = path,
    stagedLayer: (id) => join(dir, `layer-${id}`),
    keep: (what) => kept = what,
    async [Symbol.asyncDispose]() {
      if (kept === "nothing") await removeIfThere(dir);
      else if (kept === "logs") await removeDisks(dir, files);
      else if (disk !== files.disk && await exists(disk)) await Deno.rename(disk, files.disk);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Makes a folder that holds a taken lock from the moment it can be seen, so that no `clean` finds it without one. */
async function makeLocked(dir: string): Promise<AsyncDisposable | undefined> {
  const hidden = join(dir, "..", `.${crypto.randomUUID()}`);
  let lock: AsyncDisposable | undefined;
  try {
    await Deno.mkdir(hidden, { recursive: true, mode: 0o700 });
    lock = await lockFile(join(hidden, lockName));
    await Deno.rename(hidden, dir);
    return lock;
  } catch (cause) {
    await lock?.[Symbol.asyncDispose]();
    await removeIfThere(hidden);
    if (await exists(dir)) return undefined;
    throw new PimError(`Cannot make the folder of the build ${dir}: ${messageOf(cause)}`, { cause });
  }
}

/** A build folder that is there: of a build that runs, or what a failed one left. */
export interface BuildFolder {
  readonly name: string;
  readonly profile: string;
  readonly architecture: Architecture;
  readonly dir: string;
  readonly running: boolean;
  readonly files: WorkspaceFiles;
  /** Whether the disk of a failed build was kept. */
  readonly hasDisk: boolean;
}

// As imageName makes it: <profile>-<architecture>-<time>.
const buildName = /^(?<profile>.+)-(?<architecture>amd64|arm64)-(?<time>\d{8}T\d{6}Z)$/;

/** All build folders, oldest first. */
export async function listBuildFolders(paths: Paths): Promise<BuildFolder[]> {
  const root = buildsDir(paths);
  if (!(await exists(root))) return [];
  const folders: (BuildFolder & { readonly time: string })[] = [];
  for await (const entry of Deno.readDir(root)) {
    const { profile, architecture: word = "", time } = buildName.exec(entry.name)?.groups ?? {};
    const architecture = parseArchitecture(word);
    if (!entry.isDirectory || profile === undefined || time === undefined || architecture === undefined) {
      continue;
    }
    const dir = join(root, entry.name);
    const files = workspaceFiles(dir);
    folders.push({
      name: entry.name,
      profile,
      architecture,
      time,
      dir,
      running: await isBuildRunning(dir),
      files,
      hasDisk: await exists(files.disk),
    });
  }
  return folders
    .sort((a, b) => a.time.localeCompare(b.time))
    .map(({ time: _, ...folder }) => folder);
}

/** Whether the build with this folder runs; one whose folder is gone does not. */
export async function isBuildRunning(dir: string): Promise<boolean> {
  return await isLocked(join(dir, lockName));
}

async function removeDisks(dir: string, files: WorkspaceFiles): Promise<void> {
  for (const file of [files.efiVars, files.kernel, files.initrd, files.buildKey]) await removeIfThere(file);
  for (const { name } of Deno.readDirSync(dir)) {
    if (/^disk.*\.qcow2$/.test(name)) await removeIfThere(join(dir, name));
  }
}
