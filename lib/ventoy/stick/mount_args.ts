/** Who may read and write on a mounted stick. */
export interface MountOwner {
  readonly uid: number;
  readonly gid: number;
}

/** One way to mount a stick: a program, or none when it is missing. */
export interface MountWay {
  readonly argv: readonly string[];
  /** What has to be installed for it. */
  readonly needs: string;
}

/** The file systems whose files belong to whoever the mount names. */
const ownerless = ["exfat", "vfat", "ntfs", "ntfs3"];

/** The ways to mount a partition, best first: by the kernel, and exFAT by FUSE where the kernel does not know it. */
export function mountWays(
  device: string,
  folder: string,
  fileSystem: string,
  owner: MountOwner,
  readOnly: boolean,
): readonly MountWay[] {
  const options = [readOnly ? "ro" : "rw", "nosuid", "nodev", "noexec"];
  if (ownerless.includes(fileSystem)) options.push(`uid=${owner.uid}`, `gid=${owner.gid}`, "umask=0077");
  const kernel = {
    argv: ["mount", "-t", fileSystem, "-o", options.join(","), device, folder],
    needs: fileSystem,
  };
  if (fileSystem !== "exfat") return [kernel];
  const fuse = [...options, "allow_other"].join(",");
  return [
    kernel,
    { argv: ["mount.exfat-fuse", "-o", fuse, device, folder], needs: "exfat-fuse" },
  ];
}

/** Where udisks has mounted a device: "Mounted /dev/sdb1 at /media/me/Ventoy". */
export function parseUdisks(stdout: string): string | undefined {
  return /^Mounted \S+ at (.+?)\.?\s*$/m.exec(stdout)?.[1];
}
