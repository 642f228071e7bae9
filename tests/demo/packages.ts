import { dirname, join } from "node:path";
import { HostError, messageOf } from "../../lib/errors.ts";
import { exists, removeIfThere } from "../../lib/files.ts";
import { run, which } from "../../lib/process.ts";

/** Debian and Ubuntu packages that making and building the demo takes, and a program each of them brings. */
export const demoPackages: Readonly<Record<string, string>> = {
  "qemu-system-x86": "the virtual machines",
  "qemu-utils": "qemu-img",
  "mmdebstrap": "makes the demo's root file system",
  "uidmap": "lets mmdebstrap work without root",
  "debian-archive-keyring": "proves that the packages are Debian's",
  "fakeroot": "keeps the owners of files when not root",
  "squashfs-tools": "packs the root file system",
  "e2fsprogs": "fills an ext4 file system",
  "xorriso": "writes the ISO",
  "isolinux": "makes the ISO bootable",
  "syslinux-common": "isolinux's modules",
  "cpio": "packs and unpacks initrds",
  "openssh-server": "a real SSH peer for the tests",
  "openssh-client": "ssh and ssh-keygen",
  "debconf": "checks preseeds (debconf-set-selections)",
};

/** What the tests take besides: other firmware and another architecture. */
export const testPackages: Readonly<Record<string, string>> = {
  ...demoPackages,
  "ovmf": "UEFI for amd64",
  "qemu-system-arm": "virtual machines for arm64",
  "qemu-efi-aarch64": "UEFI for arm64",
  "genisoimage": "reads ISOs that pim wrote",
  "python3": "reads MIME that pim wrote",
  "iproute2": "makes bridges",
  "sudo": "makes users root at instances of clouds",
  "curl": "what install.sh downloads with",
  "wget": "what it does with where there is no curl",
  "shellcheck": "reads install.sh",
  "openssl": "certificates of servers that tests start",
  "gpg": "signs what tests verify",
  "gpg-agent": "holds the keys that gpg signs with",
  "gpgv": "verifies signatures",
  "exfatprogs": "makes the file system of USB sticks",
  "exfat-fuse": "mounts it where the kernel cannot",
  "dosfstools": "makes the other file system of USB sticks",
  "mtools": "fills that one",
  "fdisk": "partitions disks (sfdisk)",
  "libvirt-daemon-system": "a libvirt of the tests' own to deploy to",
  "libvirt-clients": "virsh and virt-xml-validate",
  "netcat-openbsd": "what libvirt reaches a socket of another host with",
  "libxml2-utils": "what virt-xml-validate does it with",
  "docker-registry": "a real OCI registry",
  "skopeo": "copies images out of registries",
  "apache2-utils": "htpasswd",
  "bash-completion": "completes lines in bash",
  "zsh": "completes pim's lines in its own way",
  "fish": "so does this one",
  "mandoc": "checks manual pages",
  "groff": "sets them",
};

/** Says what goes on, one line at a time. */
export type OnProgress = (line: string) => void;

const toStderr: OnProgress = (line) => {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
};

/**
 * Installs with apt-get those of these packages that are missing (sudo when not root); nothing else is touched.
 * Throws {@linkcode HostError} on systems without apt, naming the programs to install by hand.
 */
export async function ensurePackages(
  packages: Readonly<Record<string, string>>,
  onProgress: OnProgress = toStderr,
): Promise<void> {
  const names = Object.keys(packages);
  if (await which("apt-get") === undefined || await which("dpkg-query") === undefined) {
    throw new HostError("What is needed cannot be installed: this system has no apt-get", {
      hint: `It takes Debian or Ubuntu with these packages: ${names.join(" ")}`,
    });
  }
  const missing = await missingPackages(names);
  if (missing.length === 0) return;
  const prefix = await rootPrefix(missing);
  onProgress(`Installing ${missing.join(" ")} (apt-get${prefix.length > 0 ? " with sudo" : ""})`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const aptGet = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y"];
  try {
    await run([...aptGet, "update"], { env });
    await run([...aptGet, "install", "--no-install-recommends", ...missing], { env });
  } catch (cause) {
    throw new HostError(`The packages could not be installed: ${messageOf(cause)}`, {
      hint: `Try it by hand: sudo apt-get install --no-install-recommends ${missing.join(" ")}`,
      cause,
    });
  }
}

/**
 * Unpacks a package into a folder without installing it, for a program that would begin to serve when it is installed.
 * Nothing happens when the folder is there; the package's dependencies have to be installed.
 */
export async function unpackPackage(
  name: string,
  folder: string,
  onProgress: OnProgress = toStderr,
): Promise<void> {
  if (await exists(folder)) return;
  onProgress(`Fetching ${name}`);
  const work = await Deno.makeTempDir({ prefix: "pim-package-" });
  const part = `${folder}.part`;
  try {
    const download = () => run(["apt-get", "-q", "download", name], { cwd: work });
    await download().catch(async () => {
      await run([...await rootPrefix([name]), "apt-get", "-q", "update"]);
      await download();
    });
    await removeIfThere(part);
    // dpkg-deb makes the last folder only.
    await Deno.mkdir(dirname(folder), { recursive: true });
    for await (const { name: file } of Deno.readDir(work)) {
      await run(["dpkg-deb", "-x", join(work, file), part]);
    }
    await Deno.rename(part, folder);
  } finally {
    await removeIfThere(work);
  }
}

/** Those of these packages that dpkg does not have installed. */
export async function missingPackages(names: readonly string[]): Promise<string[]> {
  const format = "${Package} ${db:Status-Status}\\n";
  // dpkg-query exits with 1 when it does not know one of the packages; it lists the others all the same.
  const { stdout } = await run(["dpkg-query", "-W", "-f", format, ...names], { okStatus: [0, 1] });
  const installed = new Set(
    stdout.split("\n").filter((line) => line.endsWith(" installed")).map((line) => line.split(" ")[0]),
  );
  return names.filter((name) => !installed.has(name));
}

async function rootPrefix(missing: readonly string[]): Promise<string[]> {
  if (Deno.uid() === 0) return [];
  if (await which("sudo") !== undefined) return ["sudo"];
  throw new HostError("The packages cannot be installed: not root, and there is no sudo", {
    hint: `As root, type: apt-get install --no-install-recommends ${missing.join(" ")}`,
  });
}
