import { parseArchitecture } from "../architecture.ts";
import { diskInfo, hasFile } from "./disk_info.ts";
import { serialConsoleArg, splitKernelArgs } from "./kernel_line.ts";
import type { Installer, KernelArgsOptions, RecognisedIso } from "./installer.ts";

// The installer's menu items, by the names that its log has (package names of their components).
const menuItems: Record<string, string> = {
  "localechooser": "choosing the language",
  "brltty-udeb": "looking for braille displays",
  "console-setup-udeb": "setting up the keyboard",
  "cdrom-detect": "looking for the ISO",
  "load-cdrom": "loading components from the ISO",
  "ethdetect": "looking for network cards",
  "netcfg": "configuring the network",
  "network-preseed": "fetching the preseed",
  "choose-mirror": "choosing a mirror",
  "download-installer": "downloading installer components",
  "user-setup-udeb": "setting up users",
  "clock-setup": "setting the clock",
  "tzsetup-udeb": "setting the time zone",
  "disk-detect": "looking for disks",
  "partman-base": "partitioning",
  "bootstrap-base": "installing the base system",
  "apt-setup-udeb": "configuring apt",
  "pkgsel": "installing packages",
  "grub-installer": "installing GRUB",
  "finish-install": "finishing",
};

// As measured in a complete installation of bookworm from a mirror. Debootstrap and the kernel take half of it.
const shares: Record<string, number> = {
  "configuring the network": 0.02,
  "fetching the preseed": 0.03,
  "choosing a mirror": 0.04,
  "downloading installer components": 0.05,
  "setting up users": 0.1,
  "partitioning": 0.11,
  "installing the base system": 0.14,
  "configuring apt": 0.62,
  "installing packages": 0.66,
  "installing GRUB": 0.78,
  "finishing": 0.86,
};

/** debian-installer, with a preseed fetched over HTTP. See https://www.debian.org/releases/stable/amd64/apb. */
export const debian: Installer = {
  name: "debian",
  title: "Debian",
  answerFiles: ["/preseed.cfg", "/install.sh"],
  stopSigns: [
    { pattern: /pim: late command failed/, kind: "late-command", meaning: "the late command failed" },
    // "!! ERROR: Bad archive mirror" of cdebconf's text frontend, which speaks the language of the profile's locale.
    {
      pattern: /!! ?[\p{L}\p{M}]+ ?: \S/u,
      kind: "installer-error",
      meaning: "an error dialog waits for a key",
    },
  ],

  milestone(line) {
    const item = /Menu item '([\w-]+)' selected/.exec(line)?.[1];
    if (item !== undefined) return menuItems[item] ?? item;
    const doing = /\b(Unpacking|Setting up) ([a-z0-9][a-z0-9+.-]+)/.exec(line);
    if (doing !== null) return `${doing[1]?.toLowerCase()} ${doing[2]}`;
    const fetching = /debootstrap: .*?\b(Retrieving|Validating|Extracting) ([a-z0-9+.-]+)/.exec(line);
    return fetching === null ? undefined : `${fetching[1]?.toLowerCase()} ${fetching[2]}`;
  },

  shares,

  async recognise(iso) {
    const info = await diskInfo(iso);
    if (/\bDebian\b/i.test(info)) return fromInfo(info);
    if (info !== "") return undefined;
    // Debian's mini.iso for netboot has no description, only a kernel at the top.
    if (await hasFile(iso, "/install.amd/vmlinuz")) {
      return { family: "debian", architecture: "amd64", medium: "other" };
    }
    if (await hasFile(iso, "/install.a64/vmlinuz")) {
      return { family: "debian", architecture: "arm64", medium: "other" };
    }
    if (await hasFile(iso, "/linux") && await hasFile(iso, "/initrd.gz")) {
      return { family: "debian", medium: "netboot" };
    }
    return undefined;
  },

  kernelPaths(architecture) {
    const folder = architecture === "arm64" ? "/install.a64" : "/install.amd";
    return [
      { kernel: `${folder}/vmlinuz`, initrd: `${folder}/initrd.gz` },
      { kernel: "/linux", initrd: "/initrd.gz" },
    ];
  },

  kernelArgs({ baseUrl, profile, architecture, syslog, serialConsole = true }: KernelArgsOptions) {
    const extra = splitKernelArgs(profile.build.kernelArgs);
    const console = serialConsole ? [serialConsoleArg(architecture)] : [];
    return [
      "auto=true",
      "priority=critical",
      `url=${baseUrl}/preseed.cfg`,
      `hostname=${profile.hostname}`,
      ...(profile.domain === "" ? [] : [`domain=${profile.domain}`]),
      ...console,
      ...(serialConsole ? ["DEBIAN_FRONTEND=text"] : []),
      ...(syslog === undefined ? [] : [`log_host=${syslog.host}`, `log_port=${syslog.port}`]),
      ...extra.installer,
      "---",
      // The installer carries over only what follows the dashes, and the image needs its serial console.
      ...console,
      ...extra.installed,
      "quiet",
    ];
  },
};

/** Reads `Debian GNU/Linux 12.5.0 "Bookworm" - Official amd64 NETINST with firmware 20240210-11:27`. */
function fromInfo(info: string): RecognisedIso {
  const word = /\b(amd64|arm64)\b/.exec(info)?.[1];
  return {
    family: "debian",
    version: /GNU\/Linux (\d+(?:\.\d+)*)/.exec(info)?.[1],
    architecture: word === undefined ? undefined : parseArchitecture(word),
    medium: /NETINST/i.test(info)
      ? "netinst"
      : /netboot|mini\.iso/i.test(info)
      ? "netboot"
      : /\b(DVD|BD|DLBD|CD)\b/.test(info)
      ? "dvd"
      : "other",
  };
}
