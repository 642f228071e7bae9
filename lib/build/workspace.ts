import { join } from "node:path";
import { PimError } from "../errors.ts";
import { exists, removeIfThere, tryLockFile } from "../files.ts";
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
  };
}

/** Makes the folder of a build and holds its lock, which tells other processes that the build is alive. */
export async function openWorkspace(paths: Paths, name: string): Promise<Workspace> {
  const dir = join(buildsDir(paths), checkName(name, "build name"));
  const runtime = runtimeFiles(await ensureRuntimeDir(paths), name);
  await Deno.mkdir(buildsDir(paths), { recursive: true });
  await Deno.mkdir(dir, { mode: 0o700 });
  const lock = await tryLockFile(join(dir, lockName));
  if (lock === undefined) throw new PimError(`Another build is using ${dir}`);
  const files = workspaceFiles(dir);
  let kept: "nothing" | "logs" | "everything" = "nothing";
  return {
    dir,
    files,
    runtime,
    keep: (what) => kept = what,
    async [Symbol.asyncDispose]() {
      if (kept === "nothing") await removeIfThere(dir);
      else if (kept === "logs") await removeDisks(files);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** A build folder that is there: of a build that runs, or what a failed one left. */
export interface BuildFolder {
  readonly name: string;
  readonly dir: string;
  readonly running: boolean;
  readonly files: WorkspaceFiles;
  /** Whether the disk of a failed build was kept. */
  readonly hasDisk: boolean;
}

/** All build folders, oldest first. */
export async function listBuildFolders(paths: Paths): Promise<BuildFolder[]> {
  const root = buildsDir(paths);
  if (!(await exists(root))) return [];
  const folders: BuildFolder[] = [];
  for await (const entry of Deno.readDir(root)) {
    if (!entry.isDirectory) continue;
    const dir = join(root, entry.name);
    const files = workspaceFiles(dir);
    const lock = await tryLockFile(join(dir, lockName));
    await lock?.[Symbol.asyncDispose]();
    folders.push({
      name: entry.name,
      dir,
      running: lock === undefined,
      files,
      hasDisk: await exists(files.disk),
    });
  }
  // The time is at the end of a name.
  return folders.sort((a, b) => a.name.slice(-16).localeCompare(b.name.slice(-16)));
}

async function removeDisks(files: WorkspaceFiles): Promise<void> {
  for (const file of [files.disk, files.efiVars, files.kernel, files.initrd]) await removeIfThere(file);
}
