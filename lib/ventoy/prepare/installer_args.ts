import { UsageError } from "../../errors.ts";

/** How Ventoy is put on a disk. */
export interface InstallChoice {
  /** `install` refuses where Ventoy is already, `force` begins anew, `update` keeps all files. */
  readonly mode: "install" | "force" | "update";
  readonly gpt?: boolean;
  /** Undefined leaves it to Ventoy, which supports Secure Boot since 1.0.76. */
  readonly secureBoot?: boolean;
  /** Of the partition with the ISOs; Ventoy's own default is "Ventoy". */
  readonly label?: string;
}

const commands = { install: "-i", force: "-I", update: "-u" } as const;

/**
 * The words after Ventoy2Disk.sh. See "Ventoy2Disk.sh CMD [ OPTION ] /dev/sdX" in Ventoy's README; GPT and label are for
 * installing only.
 */
export function installerArgs(disk: string, choice: InstallChoice): string[] {
  const { mode, gpt, secureBoot, label } = choice;
  return [
    commands[mode],
    ...(secureBoot === undefined ? [] : [secureBoot ? "-s" : "-S"]),
    ...(gpt ? ["-g"] : []),
    ...(label === undefined ? [] : ["-L", checkLabel(label)]),
    disk,
  ];
}

/** What the installer wants to be told: whether to go on, and when it erases the disk, whether really. */
export function installerAnswers({ mode }: InstallChoice): string {
  return mode === "update" ? "y\n" : "y\ny\n";
}

function checkLabel(label: string): string {
  // The installer splits its words at blanks; exFAT has room for 11 letters.
  if (/^[A-Za-z0-9_][A-Za-z0-9_-]{0,10}$/.test(label)) return label;
  throw new UsageError(`${JSON.stringify(label)} cannot be the label of a stick`, {
    hint: "Use letters, digits, dashes and underscores, at most 11.",
  });
}

/** A line of the installer's output without its colours; empty for what says nothing. */
export function plainLine(line: string): string {
  // deno-lint-ignore no-control-regex -- colours are control sequences
  return line.replaceAll(/\x1b\[[0-9;]*m/g, "").replace(/^-e /, "").replaceAll(/\*{3,}/g, "").trim();
}
