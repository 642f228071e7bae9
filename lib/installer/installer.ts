import type { Architecture } from "../architecture.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";

/** The part of an opened ISO (lib/iso's IsoImage is one) that is needed to recognise it. */
export interface IsoReader {
  /** What is at a path, or undefined. */
  find(path: string): Promise<{ readonly kind: string } | undefined>;
  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>;
}

/** What an ISO turned out to hold. */
export interface RecognisedIso {
  readonly family: Installer["name"];
  /** "12.5.0", "24.04.1". */
  readonly version?: string;
  readonly architecture?: Architecture;
  readonly medium: "netinst" | "dvd" | "netboot" | "live-server" | "other";
}

/** Where the kernel and the initrd of an installer lie inside its ISO. */
export interface BootFiles {
  readonly kernel: string;
  readonly initrd: string;
}

/** The files that a seed server has to offer, by their URL paths. */
export type AnswerPath = "/preseed.cfg" | "/install.sh" | "/user-data" | "/meta-data" | "/vendor-data";

/** What the kernel line of an installer is made of. */
export interface KernelArgsOptions {
  /** Base URL of the seed server as the guest reaches it, without a slash at its end. */
  readonly baseUrl: string;
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  /** Where the installer shall send its log over UDP; only Debian's does. */
  readonly syslog?: { readonly host: string; readonly port: number };
  /** Put the installer and the installed system on the serial console. Default true. */
  readonly serialConsole?: boolean;
}

/** A line of the installer's output that means it will not go on by itself. */
export interface StopSign {
  readonly pattern: RegExp;
  /** Whether the late command failed, the installer met an error, or it wants to be answered by a person. */
  readonly kind: "late-command" | "installer-error" | "installer-question";
  readonly meaning: string;
}

/** An installer family: one file each. */
export interface Installer {
  readonly name: "debian" | "ubuntu";
  /** What people call it. */
  readonly title: string;
  /** The files that it fetches from the seed server, in this order. */
  readonly answerFiles: readonly AnswerPath[];
  /** Texts on its console or in its log that tell at once that it has failed. */
  readonly stopSigns: readonly StopSign[];
  /** What a line of its console or log tells of its progress, in words; undefined for most lines. */
  milestone(line: string): string | undefined;
  /** How much of an installation is usually done when a milestone is reached, from 0 to 1. */
  readonly shares: Readonly<Record<string, number>>;
  /** What the ISO is, or undefined when it is none of this family. */
  recognise(iso: IsoReader): Promise<RecognisedIso | undefined>;
  /** Places of kernel and initrd, the most likely first. */
  kernelPaths(architecture: Architecture): readonly BootFiles[];
  /** The words of the kernel line, in a fixed order. */
  kernelArgs(options: KernelArgsOptions): string[];
}
