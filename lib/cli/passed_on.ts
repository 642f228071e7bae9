import { flagNames, takesValue } from "./help/parameters.ts";
import { execCommand } from "./vm/exec.ts";
import { sshCommand } from "./vm/ssh.ts";

// Commands that take a VM and then words that are not for pim.
const passing = { exec: execCommand, ssh: sshCommand };

/**
 * Puts `--` before the command that `pim exec` and `pim ssh` pass on, where it was left out: its flags (`ls -l`) are
 * its own and none of pim's.
 */
export function keepPassedOn(args: readonly string[]): string[] {
  let command: keyof typeof passing | undefined;
  let names = 0;
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "--") break;
    if (arg.startsWith("-")) {
      if (hasValueAfter(arg, command)) index++;
    } else if (command === undefined) {
      if (arg !== "exec" && arg !== "ssh") break;
      command = arg;
    } else if (++names === 2) return [...args.slice(0, index), "--", ...args.slice(index)];
  }
  return [...args];
}

/** Whether the word after a flag belongs to it. */
function hasValueAfter(typed: string, command: keyof typeof passing | undefined): boolean {
  if (typed === "--project") return true;
  const flags = command === undefined ? {} : passing[command].parameters.flags ?? {};
  return Object.entries(flags).some(([name, flag]) =>
    takesValue(flag) && flagNames(name, flag).includes(typed)
  );
}
