// The types that a profile module sees as "pim". `pim init` copies this file as it is, so it imports nothing.

/** How the installer divides the disk. */
export interface Partitioning {
  /** `regular`: plain partitions; `lvm`: logical volumes; `crypto`: LVM inside an encrypted volume. Default "regular". */
  method?: "regular" | "lvm" | "crypto";
  /**
   * `atomic`: one file system; `home`: a separate /home; `multi`: separate /home, /var and /tmp.
   * Any other text is taken as a partman expert recipe. Default "atomic".
   */
  recipe?: "atomic" | "home" | "multi" | (string & Record<never, never>);
  /** The disk to install on. Default: the first one, which pim's own VMs have as `/dev/vda`. */
  disk?: string;
  /** File system of the root partition. Default "ext4". */
  filesystem?: "ext4" | "xfs" | "btrfs";
}

/** The machine that a build runs in, and the limits of that build. */
export interface BuildOptions {
  /** Virtual size of the disk: "20G", "512M". Default: `build.disk_size` of pim.yml, which is "20G". */
  diskSize?: string;
  /** Memory of the build VM in MiB. Default: `build.memory` of pim.yml, which is 2048. */
  memoryMiB?: number;
  /** Virtual CPUs of the build VM. Default: `build.cpus` of pim.yml, which is 2. */
  cpus?: number;
  /** Firmware of the machine; arm64 always has `uefi`. Default "bios". */
  firmware?: "bios" | "uefi";
  /** Minutes that the installer may take. Default 60. */
  installTimeoutMinutes?: number;
  /** Minutes from the start of the installed system until SSH lets us in. Default: `build.ssh.timeout` of pim.yml: 10. */
  sshTimeoutMinutes?: number;
  /** Minutes that one provisioning script may take. Default 60. */
  scriptTimeoutMinutes?: number;
  /** Minutes without any sign of progress after which a build is given up. Default 5. */
  stallMinutes?: number;
  /** Keep the building machine's memory too, so that a rebuild needs no boot. Default: `build.warm` of pim.yml: true. */
  warm?: boolean;
  /** Words added to the installer's kernel line. */
  kernelArgs?: string[];
  /** Arguments added after pim's own QEMU arguments. */
  qemuArgs?: string[];
}

/** A value that templates and scripts may use. */
export type Var = string | number | boolean | null | Var[] | { [key: string]: Var };

/** What an installed system shall be. Every field may be left out; `default.ts` and pim's own defaults fill it. */
export interface Profile {
  /** Name of a profile in profiles.d whose values lie under these. Default: `default`. */
  extends?: string;
  /** One line that `pim profile list` shows. */
  description?: string;

  /** Login name of the first user. Default "pim". */
  username?: string;
  /** Password of the first user, in plain text here; it is hashed before it leaves this host. */
  password?: string;
  /** A crypt(3) hash, in place of `password`: the output of `mkpasswd -m sha-512`. */
  passwordHash?: string;
  /** Full name of the first user. Default: the user name. */
  fullname?: string;
  /** Public keys that may log in as the first user: lines as in authorized_keys. */
  sshAuthorizedKeys?: string[];
  /** Whether root has a password (the first user's) and may log in; else use sudo. Default false. */
  rootLogin?: boolean;

  /** Locale of the installed system. Default "en_US.UTF-8". */
  locale?: string;
  /** Keyboard layout (XKB). Default "us". */
  keyboard?: string;
  /** Time zone. Default "UTC". */
  timezone?: string;
  /** Host name, without a domain. Default: the profile's name. */
  hostname?: string;
  /** DNS domain. Default: none. */
  domain?: string;

  /** Host of the package mirror, with `:port` where needed. Default: the distribution's own. */
  mirrorHost?: string;
  /** Folder of the archive on the mirror: "/debian", "/ubuntu". Default: the distribution's own. */
  mirrorPath?: string;
  /** HTTP proxy for packages: "http://proxy:3128". Default: none. */
  httpProxy?: string;

  /** How the disk is divided. */
  partitioning?: Partitioning;
  /** Tasks for tasksel (Debian). Default: none. */
  tasksel?: string[];
  /** Packages to install, beside openssh-server, sudo, qemu-guest-agent and libpam-systemd. */
  packages?: string[];
  /** Where GRUB goes on BIOS machines. Default: the disk that was installed on. */
  grubDevice?: string;

  /** Installer family; found from the ISO when left out. */
  installer?: "debian" | "ubuntu";
  /** Key of an ISO in the catalog, or a pattern: "debian-*-{arch}-netinst" takes the newest that matches. */
  iso?: string;
  /** Architectures this profile is built for. Default: that of the host. */
  architectures?: ("amd64" | "arm64")[];
  /** More provisioning scripts, by their names in scripts.d, run after the profile's own. */
  scripts?: string[];
  /** More answers: lines appended at the end of a preseed, or an object merged into autoinstall. */
  answers?: string[] | { [key: string]: Var };

  /** The machine that a build runs in. */
  build?: BuildOptions;
  /** Free values for templates (`it.vars`) and scripts (`PIM_VAR_<NAME>`). */
  vars?: { [name: string]: Var };
}
