import { parseArchitecture } from "../architecture.ts";
import { cloudInitMilestone } from "./cloud_init.ts";
import { diskInfo, hasFile } from "./disk_info.ts";
import { serialConsoleArg, splitKernelArgs } from "./kernel_line.ts";
import type { Installer, KernelArgsOptions } from "./installer.ts";

/** Ubuntu's live server installer, with autoinstall user-data read by cloud-init's NoCloud source over HTTP. */
export const ubuntu: Installer = {
  name: "ubuntu",
  title: "Ubuntu live server",
  answerFiles: ["/meta-data", "/user-data", "/vendor-data", "/install.sh"],
  stopSigns: [
    { pattern: /pim: installation failed/, kind: "installer-error", meaning: "the installer gave up" },
    {
      pattern: /Unable to find a (live file system|medium containing a live file system)/,
      kind: "installer-error",
      meaning: "casper did not find the ISO",
    },
    {
      pattern: /Malformed autoinstall|autoinstall.*[Vv]alidation error/,
      kind: "installer-error",
      meaning: "the user-data was not accepted",
    },
    // Asked when no `autoinstall` stands on the kernel line, or no user-data was found.
    {
      pattern: /Continue with autoinstall\?|Continue in (rich|basic) mode/,
      kind: "installer-question",
      meaning: "the installer asks a person",
    },
  ],

  milestone(line) {
    // subiquity and curtin report on the console, some with words: "start: subiquity/Install/install/curtin_install:
    // installing system", "start: cmd-install/stage-extract/builtin/cmd-extract: acquiring and extracting image from …".
    const [, path, words] = /\bstart: (?:subiquity\/|cmd-)(\S+?)(?::\s*(.*))?$/.exec(line) ?? [];
    return words || path?.split("/").slice(-2).join(" ").replaceAll("_", " ") || cloudInitMilestone(line);
  },

  // Nothing was measured yet: the times of earlier builds tell more anyway.
  shares: {},

  async recognise(iso) {
    const info = await diskInfo(iso);
    const live = await hasFile(iso, "/casper/vmlinuz") || await hasFile(iso, "/casper/hwe-vmlinuz");
    if (!live || (info !== "" && !/\bUbuntu\b/i.test(info))) return undefined;
    const word = /\b(amd64|arm64)\b/.exec(info)?.[1];
    return {
      family: "ubuntu",
      version: /\b(\d\d\.\d\d(?:\.\d+)?)\b/.exec(info)?.[1],
      architecture: word === undefined ? undefined : parseArchitecture(word),
      medium: /^Ubuntu-Server\b/i.test(info) ? "live-server" : "other",
    };
  },

  kernelPaths() {
    return [
      { kernel: "/casper/vmlinuz", initrd: "/casper/initrd" },
      { kernel: "/casper/hwe-vmlinuz", initrd: "/casper/hwe-initrd" },
    ];
  },

  kernelArgs({ baseUrl, profile, architecture, serialConsole = true }: KernelArgsOptions) {
    const extra = splitKernelArgs(profile.build.kernelArgs);
    const console = serialConsole ? [serialConsoleArg(architecture)] : [];
    return [
      // casper looks through the attached drives for /casper by itself; boot=casper is its initrd's default, said aloud.
      "boot=casper",
      "autoinstall",
      // The slash at the end matters: cloud-init appends "user-data" and the other names to the text as it is.
      `ds=nocloud-net;s=${baseUrl}/`,
      "ip=dhcp",
      // pim has verified the ISO already; reading all of it once more takes minutes in an emulated machine.
      "fsck.mode=skip",
      ...console,
      ...extra.installer,
      "---",
      ...console,
      ...extra.installed,
    ];
  },
};
