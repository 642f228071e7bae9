import { join } from "node:path";
import { run } from "../../lib/process.ts";
import type { Mirror } from "./mirror.ts";
import type { OnProgress } from "./packages.ts";

/** What the root file system is made from, and where. */
export interface RootfsOptions {
  /** Folder that gets rootfs.squashfs and boot/{vmlinuz,initrd.gz}. */
  readonly work: string;
  /** Folder with installer/ and rootfs/. */
  readonly sources: string;
  readonly mirror: Mirror;
  readonly onProgress: OnProgress;
  readonly signal?: AbortSignal;
}

/** Packages of the demo system beside mmdebstrap's minbase. */
const rootfsPackages: readonly string[] = [
  ...["linux-image-cloud-amd64", "initramfs-tools", "busybox", "extlinux", "e2fsprogs", "fdisk"],
  ...["systemd-sysv", "udev", "dbus", "libpam-systemd", "systemd-resolved", "iproute2", "iputils-ping"],
  ...["openssh-server", "sudo", "qemu-guest-agent", "cloud-init", "cloud-guest-utils", "locales", "tzdata"],
  ...["netbase", "procps", "ca-certificates", "curl", "wget", "jq", "less", "rsync", "vim-tiny"],
];

/** Makes the root file system and the installer's kernel and initrd in `options.work`. */
export async function makeRootfs(options: RootfsOptions): Promise<{ readonly debianVersion: string }> {
  const { work, mirror, onProgress, signal } = options;
  const tar = join(work, "rootfs.tar");
  onProgress(`Making a Debian ${mirror.suite} root file system and fetching its installer (about a minute)`);
  await run(mmdebstrapArgv(tar, options, await aptProxy()), { signal });
  onProgress("Packing the root file system");
  await packRootfs(work, tar, signal);
  const version = await Deno.readTextFile(join(work, "boot/debian_version"));
  return { debianVersion: `${version.trim()}.0` };
}

/** The one call of mmdebstrap that makes everything of Debian's on the ISO. */
export function mmdebstrapArgv(
  tar: string,
  { work, sources, mirror }: Pick<RootfsOptions, "work" | "sources" | "mirror">,
  proxy?: string,
): string[] {
  // apt from outside with the new system's sources: it has the host's way of resolving names. For downloads only:
  // anything else would run the host's dpkg on the host itself.
  const download = (name: string) =>
    `--customize-hook=cd "$1/root/installer" && APT_CONFIG="$MMDEBSTRAP_APT_CONFIG" apt-get -q download "${name}"`;
  const inChroot = (...words: string[]) => `--customize-hook=chroot "$1" ${words.join(" ")}`;
  return [
    ...["mmdebstrap", "--variant=minbase", "--architectures=amd64", "--format=tar"],
    `--include=${rootfsPackages.join(",")}`,
    '--aptopt=APT::Install-Recommends "false"',
    ...(proxy === undefined ? [] : [`--aptopt=Acquire::http::Proxy "${proxy}"`]),
    ...["doc", "man", "info", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    ...["doc/*/copyright", "locale/locale.alias"].map((name) => `--dpkgopt=path-include=/usr/share/${name}`),
    `--essential-hook=sync-in '${join(sources, "rootfs")}' /`,
    `--customize-hook=copy-in '${join(sources, "installer")}' /root`,
    download(`debian-installer-${mirror.release}-netboot-amd64`),
    inChroot("sh", "/root/installer/initrd.sh", "unpack"),
    download("linux-image-$(cat kernel)"),
    inChroot("sh", "/root/installer/initrd.sh", "build"),
    `--customize-hook=copy-out /root/boot '${work}'`,
    ...(mirror.suite === "bookworm" ? [download("usr-is-merged")] : []),
    inChroot("sh", "/customize.sh"),
    inChroot("rm", "-rf", "/root/boot", "/root/installer"),
    ...[mirror.suite, tar],
    ...mirror.sources.map((source) => `deb ${source.uri} ${source.suite} ${source.components.join(" ")}`),
  ];
}

// The installer copies a whole file system instead of unpacking files: far less work for an emulated CPU.
async function packRootfs(work: string, tar: string, signal?: AbortSignal): Promise<void> {
  const tree = join(work, "rootfs");
  const image = join(work, "rootfs.img");
  const owners = join(work, "owners");
  await Deno.mkdir(tree);
  await run(["fakeroot", "-s", owners, "--", "tar", "-xf", tar, "-C", tree, "--numeric-owner"], { signal });
  const sizeMiB = Math.ceil((await Deno.stat(tar)).size / 1048576 * 1.15 + 64);
  await Deno.remove(tar);
  await run(["fakeroot", "-i", owners, "--", ...mkfsArgv(image, tree, sizeMiB)], { signal });
  await run(
    ["mksquashfs", image, join(work, "rootfs.squashfs"), "-noappend", "-no-progress", "-quiet"]
      .concat(["-comp", "zstd", "-Xcompression-level", "12", "-b", "1M"]),
    { signal },
  );
  await Deno.remove(image);
}

/** An ext4 file system that extlinux can read (6.04 knows neither 64bit nor checksums) and that can grow to 1 TiB. */
function mkfsArgv(image: string, tree: string, sizeMiB: number): string[] {
  return [
    ...["mke2fs", "-q", "-t", "ext4", "-T", "default", "-b", "4096", "-m", "1", "-L", "root"],
    ...["-O", "^64bit,^metadata_csum", "-E", "lazy_itable_init=0,resize=268435456"],
    ...["-d", tree, image, `${sizeMiB}M`],
  ];
}

async function aptProxy(): Promise<string | undefined> {
  const { stdout } = await run(["apt-config", "dump", "Acquire::http::Proxy"]);
  return stdout.match(/^Acquire::http::Proxy "(.+)";$/m)?.[1] ?? Deno.env.get("http_proxy");
}
