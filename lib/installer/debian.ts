import { parseArchitecture } from "../architecture.ts";
import { diskInfo, hasFile } from "./disk_info.ts";
import { serialConsoleArg, splitKernelArgs } from "./kernel_line.ts";
import type { Installer, KernelArgsOptions, RecognisedIso } from "./installer.ts";

/** debian-installer, with a preseed fetched over HTTP. See https://www.debian.org/releases/stable/amd64/apb. */
export const debian: Installer = {
  name: "debian",
  title: "Debian",
  answerFiles: ["/preseed.cfg", "/install.sh"],
  stopSigns: [
    { pattern: /pim: late command failed/, meaning: "the late command failed" },
    {
      pattern: /Failed to (retrieve|process) the preconfiguration file/,
      meaning: "the preseed was not accepted",
    },
    { pattern: /Execution of preseeded command ".*" failed/, meaning: "a command of the preseed failed" },
    { pattern: /Installation step failed/, meaning: "a step of the installer failed" },
    { pattern: /Failed to partition the selected disk/, meaning: "the disk could not be partitioned" },
    { pattern: /Bad archive mirror/, meaning: "the package mirror has no such release" },
    { pattern: /Network autoconfiguration failed/, meaning: "the installer got no address by DHCP" },
  ],

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
