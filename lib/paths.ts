import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { HostError, messageOf, UsageError } from "./errors.ts";

/** A source of environment variables; `Deno.env` is one. */
export interface Environment {
  get(name: string): string | undefined;
  /** All of it, where that can be had. */
  toObject?(): Readonly<Record<string, string>>;
}

/** The folders of one user, by the XDG base directory specification on every platform; `PIM_*_DIR` override. */
export interface Paths {
  readonly configDir: string;
  readonly dataDir: string;
  readonly cacheDir: string;
  /** Where sockets and pid files live; undefined when neither variable is set and /tmp is to be used. */
  readonly runtimeDirWanted: string | undefined;
}

/** The user's folders as the environment names them. Nothing is created. */
export function userPaths(env: Environment): Paths {
  const home = homeDir(env);
  // The XDG specification has relative paths ignored; our own variables are relative to the working directory.
  const absolute = (name: string) => isAbsolute(env.get(name) ?? "") ? env.get(name) : undefined;
  const own = (name: string) => env.get(name) ? resolve(env.get(name) as string) : undefined;
  const folder = (name: string, xdg: string, fallback: string) =>
    own(name) ?? join(absolute(xdg) ?? join(home, fallback), "pim");
  const runtime = absolute("XDG_RUNTIME_DIR");
  return {
    configDir: folder("PIM_CONFIG_DIR", "XDG_CONFIG_HOME", ".config"),
    dataDir: folder("PIM_DATA_DIR", "XDG_DATA_HOME", join(".local", "share")),
    cacheDir: folder("PIM_CACHE_DIR", "XDG_CACHE_HOME", ".cache"),
    runtimeDirWanted: own("PIM_RUNTIME_DIR") ?? (runtime && join(runtime, "pim")),
  };
}

/** The home folder, which `~` in settings means. */
export function homeDir(env: Environment): string {
  return env.get("HOME") || homedir();
}

/** A path as a person writes it, made absolute: `~` is the home folder, the rest is relative to `baseDir`. */
export function writtenPath(text: string, baseDir: string, env: Environment): string {
  return resolve(baseDir, text.replace(/^~(?=$|\/)/, homeDir(env)));
}

/** The registry of built images. */
export function registryFile(paths: Paths): string {
  return join(paths.dataDir, "registry.yml");
}

/** Where builds keep their disks while they run, one folder for each. */
export function buildsDir(paths: Paths): string {
  return join(paths.cacheDir, "builds");
}

/** Held while a profile is built for an architecture: two builds of it would do the same work twice. */
export function buildLock(paths: Paths, profile: string, architecture: string): string {
  return join(paths.cacheDir, "locks", `build-${checkName(profile, "profile name")}-${architecture}`);
}

/** Where layers are kept, one folder for each. */
export function layersDir(paths: Paths): string {
  return join(paths.cacheDir, "layers");
}

/** Held for a moment by who begins to use layers, and by who removes some. */
export function layersLock(paths: Paths): string {
  return join(layersDir(paths), ".lock");
}

/** The files of a layer. */
export interface LayerFiles {
  readonly dir: string;
  /** What the layer is: a LayerRecord as JSON. Its time of change is that of the layer's last use. */
  readonly record: string;
  readonly disk: string;
  readonly efiVars: string;
  /** The state of the machine that ran over the disk. */
  readonly memory: string;
}

/** The files in a layer's folder. */
export function filesOfLayer(dir: string): LayerFiles {
  return {
    dir,
    record: join(dir, "layer.json"),
    disk: join(dir, "disk.qcow2"),
    efiVars: join(dir, "efi-vars.fd"),
    memory: join(dir, "memory"),
  };
}

/** Where a deployment has files of a moment. */
export function deployDir(paths: Paths, target: string, image: string): string {
  return join(paths.cacheDir, "deploy", checkName(target, "target name"), checkName(image, "image name"));
}

/** Where pushes to OCI registries note what they have hashed, and uploads that were cut short. */
export function ociNotesDir(paths: Paths): string {
  return join(paths.cacheDir, "oci");
}

/** Held while an image is deployed to a target. */
export function deployLock(paths: Paths, target: string, image: string): string {
  return `${deployDir(paths, target, image)}.lock`;
}

/** A public key that was fetched once; it is named by its fingerprint, which vouches for it. */
export function cachedKeyFile(paths: Pick<Paths, "cacheDir">, fingerprint: string): string {
  return join(paths.cacheDir, "keys", `${fingerprint}.gpg`);
}

/** Held while an image is pulled. */
export function pullLock(paths: Paths, image: string): string {
  return join(paths.cacheDir, "locks", `pull-${checkName(image, "image name")}`);
}

/** A secret of this user, with which what builds depend on is hashed. */
export function digestSecretFile(paths: Paths): string {
  return join(paths.dataDir, "digest-secret");
}

/** Where releases of Ventoy are downloaded to and unpacked, one folder for each. */
export function ventoyDir(paths: Paths): string {
  return join(paths.cacheDir, "ventoy");
}

/** Where a USB stick is mounted while pim works on it; `partition` is the kernel's name of it, such as sdb1. */
export function stickMount(runtimeDir: string, partition: string): string {
  return join(runtimeDir, "ventoy", checkName(partition, "partition"));
}

/** Where machines that verify an image have their files while they run, one folder for each verification. */
export function verifyDir(cacheDir: string): string {
  return join(cacheDir, "verify");
}

/** Where VMs keep what outlives a start, one folder for each. */
export function vmsDir(paths: Paths): string {
  return join(paths.dataDir, "vms");
}

/** What a VM keeps between its starts. */
export interface VmFiles {
  readonly dir: string;
  /** What the VM is: a VmDefinition as JSON. */
  readonly definition: string;
  readonly disk: string;
  readonly efiVars: string;
  /** The NoCloud seed for cloud-init. */
  readonly seed: string;
  /** The serial console since the last start, and that of the start before. */
  readonly serialLog: string;
  readonly previousSerialLog: string;
  /** What QEMU said when it last ended by accident. */
  readonly crashLog: string;
  /** The VM's SSH host keys, as `ssh` learnt them. */
  readonly knownHosts: string;
}

/** The files of the VM with this name; `folder` is {@linkcode vmsDir}. */
export function vmFiles(folder: string, name: string): VmFiles {
  return filesOfVm(join(folder, checkName(name, "VM name")));
}

/** The folder of a VM, and beside it the one that is being made and the one that it replaces. */
export function vmFolders(folder: string, name: string): { dir: string; part: string; replaced: string } {
  const dir = vmFiles(folder, name).dir;
  return { dir, part: join(folder, `.new-${name}`), replaced: join(folder, `.old-${name}`) };
}

/** The files in a VM's own folder. */
export function filesOfVm(dir: string): VmFiles {
  return {
    dir,
    definition: join(dir, "vm.json"),
    disk: join(dir, "disk.qcow2"),
    efiVars: join(dir, "efi-vars.fd"),
    seed: join(dir, "seed.iso"),
    serialLog: join(dir, "serial.log"),
    previousSerialLog: join(dir, "serial.previous.log"),
    crashLog: join(dir, "crash.log"),
    knownHosts: join(dir, "known_hosts"),
  };
}

/** Lock files of the runtime directory; they are never removed, because a lock dies with its process. */
export function runtimeLock(
  runtimeDir: string,
  what: "vm" | "tcp-port" | "udp-port" | "console" | "agent" | "ventoy",
  name: string | number,
): string {
  return join(runtimeDir, "locks", `${what}-${name}`);
}

/** Files of a running VM or build in the runtime directory. */
export interface RuntimeFiles {
  readonly qmp: string;
  readonly agent: string;
  readonly serial: string;
  readonly pid: string;
  readonly log: string;
  readonly json: string;
  /** A picture of the display, on its way to where it was asked for. */
  readonly screenshot: string;
  /** Over which a machine's memory goes to a file, or comes from there. */
  readonly migration: string;
}

/** The runtime files of the VM with this name. */
export function runtimeFiles(runtimeDir: string, name: string): RuntimeFiles {
  const file = (ending: string) => join(runtimeDir, `${checkName(name, "VM name")}.${ending}`);
  return {
    qmp: file("qmp"),
    agent: file("ga"),
    serial: file("serial"),
    pid: file("pid"),
    log: file("log"),
    json: file("json"),
    screenshot: file("png"),
    migration: file("migrate"),
  };
}

/** The folders that may be the runtime directory; the first one that is ours, or is not there yet, is it. */
function runtimeDirCandidates({ runtimeDirWanted }: Paths): readonly string[] {
  return runtimeDirWanted === undefined ? ["/tmp/pim", `/tmp/pim-${Deno.uid()}`] : [runtimeDirWanted];
}

/** The runtime directory that pim would take, without making it; undefined when it would refuse all. */
export async function findRuntimeDir(paths: Paths): Promise<string | undefined> {
  for (const folder of runtimeDirCandidates(paths)) {
    // What cannot be looked at is not there: writing tells why. A link that somebody planted is not followed.
    const info = await Deno.lstat(folder).catch(() => undefined);
    if (info === undefined || (info.isDirectory && info.uid === Deno.uid())) return folder;
  }
  return undefined;
}

/**
 * Makes sure of a private runtime directory (mode 0700, ours) and returns it.
 * /tmp/pim is the fall-back; when it belongs to someone else, /tmp/pim-UID.
 */
export async function ensureRuntimeDir(paths: Paths): Promise<string> {
  const uid = Deno.uid();
  const candidates = runtimeDirCandidates(paths);
  for (const folder of candidates) {
    if (await makePrivate(folder, uid)) return folder;
  }
  throw new HostError(`The runtime directory ${candidates.at(-1)} is not a folder of yours`, {
    hint: "Set PIM_RUNTIME_DIR to a folder of your own.",
  });
}

async function makePrivate(folder: string, uid: number | null): Promise<boolean> {
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) return false; // a file, or a link to nowhere
    throw new HostError(`Cannot make the runtime directory ${folder}: ${messageOf(cause)}`, {
      cause,
      hint: "Set PIM_RUNTIME_DIR to a folder of your own.",
    });
  }
  // lstat: a link that somebody planted in /tmp is not followed.
  const info = await Deno.lstat(folder);
  if (!info.isDirectory || info.uid !== uid) return false;
  if (((info.mode ?? 0) & 0o077) !== 0) await Deno.chmod(folder, 0o700);
  return true;
}

/** How long the name of a VM, an image or a profile may be. */
export const maxNameLength = 64;

/** Whether a text can be the name of a VM, an image or a profile, which become parts of paths. */
export function isName(text: string): boolean {
  return text.length <= maxNameLength && /^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(text);
}

/** Returns the name if it can safely be part of a path; else throws. */
export function checkName(name: string, what: string): string {
  if (isName(name)) return name;
  const article = /^[aeiou]/.test(what) ? "an" : "a";
  throw new UsageError(`${JSON.stringify(name)} cannot be ${article} ${what}`, {
    hint: "Use letters, digits, dots, dashes and underscores, at most 64, beginning with a letter or digit.",
  });
}
