import { UsageError } from "../../errors.ts";
import { shellQuote } from "../../ssh/quote.ts";
import { sshHostName, sshOptions, type SshTarget } from "./ssh_args.ts";

/** One of the things that `pim cp` is given: a path here, or one in a VM. */
export type Operand =
  | { readonly kind: "local"; readonly path: string }
  | { readonly kind: "vm"; readonly vm: string; readonly path: string };

/** What is copied from where to where. */
export type Copy =
  | {
    readonly direction: "in";
    readonly vm: string;
    readonly sources: readonly string[];
    readonly to: string;
  }
  | {
    readonly direction: "out";
    readonly vm: string;
    readonly sources: readonly string[];
    readonly to: string;
  };

/** Reads `VM:PATH` or a path here. As with scp, a slash before the first colon makes it a path: `./a:b`. */
export function parseOperand(text: string): Operand {
  const [, vm, path = ""] = /^([^:/]+):(.*)$/s.exec(text) ?? [];
  return vm === undefined ? { kind: "local", path: text } : { kind: "vm", vm, path };
}

/** What `pim cp SRC… DST` is to do; throws UsageError unless exactly one side is in one VM. */
export function planCopy(words: readonly string[]): Copy {
  if (words.includes("")) throw new UsageError("A path cannot be empty");
  const operands = words.map(parseOperand);
  const to = operands.pop();
  const vms = new Set(operands.map((each) => each.kind === "vm" ? each.vm : undefined));
  const [vm, ...others] = vms;
  const sources = operands.map(({ path }) => path);
  if (to === undefined || sources.length === 0) {
    throw new UsageError("pim cp needs a source and a destination", { hint: usage });
  }
  if (others.length > 0) {
    throw new UsageError("The sources are in different places: copy them one after the other", {
      hint: usage,
    });
  }
  if (vm === undefined && to.kind === "vm") return { direction: "in", vm: to.vm, sources, to: to.path };
  if (vm !== undefined && to.kind === "local") return { direction: "out", vm, sources, to: to.path };
  if (vm === undefined) {
    throw new UsageError("Neither the source nor the destination is in a VM", { hint: usage });
  }
  throw new UsageError("pim cp copies into a VM or out of one, not from VM to VM", {
    hint: "Copy out of the first into a folder here, and from there into the second.",
  });
}

const usage =
  "pim cp FILE VM:PATH copies into a VM, pim cp VM:PATH FILE out of it; a file here with a colon is ./a:b";

/**
 * How an scp names files of the other side: "sftp" as they are, from OpenSSH 9.0 on; "sftp-flag" as they are when told
 * so, from 8.7 on; "shell" as words of the other side's shell.
 */
export type ScpDialect = "sftp" | "sftp-flag" | "shell";

/** The dialect of an scp by what its `ssh -V` says; one that names no version is taken for a new one. */
export function scpDialect(version: string): ScpDialect {
  const [, major, minor] = /OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
  if (major === undefined || minor === undefined || major >= 9) return "sftp";
  return major === 8 && minor >= 7 ? "sftp-flag" : "shell";
}

/** The argv that copies files and whole folders into a VM or out of it. */
export function scpArgs(
  target: SshTarget,
  copy: Copy,
  options: { readonly dialect: ScpDialect; readonly quiet: boolean },
): string[] {
  const { dialect, quiet } = options;
  const there = (path: string) =>
    `${sshHostName(target.vmName)}:${dialect === "shell" ? shellPath(path) : path}`;
  const [source, destination] = copy.direction === "in" ? [localPath, there] : [there, localPath];
  return [
    "scp",
    "-r",
    ...(dialect === "sftp-flag" ? ["-s"] : []),
    ...(quiet ? ["-q"] : []),
    ...sshOptions(target),
    "--",
    ...copy.sources.map(source),
    destination(copy.to),
  ];
}

/** Never anything that scp takes for a path elsewhere. */
function localPath(path: string): string {
  return /^\.{0,2}\//.test(path) ? path : `./${path}`;
}

/** Within quotes the shell would not know `~`; paths begin in the home folder anyway. */
function shellPath(path: string): string {
  const fromHome = path.replace(/^~(?:\/+|$)/, "");
  return fromHome === "" ? "" : shellQuote(fromHome);
}
