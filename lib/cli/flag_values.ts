/**
 * Gives two flags of `pim run` the form that the scanner understands: `--bridged` may stand alone, and what follows it
 * is not its value; the value of `--qemu-arg` may begin with a dash, as QEMU's own arguments do.
 */
export function joinFlagValues(args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    const next = args[index + 1];
    if (arg === "--") return [...joined, ...args.slice(index)];
    if (arg === "--bridged") joined.push(`--bridged=${anyBridge}`);
    else if (arg === "--qemu-arg" && next !== undefined) {
      joined.push(`--qemu-arg=${next}`);
      index++;
    } else joined.push(arg);
  }
  return joined;
}

/** The value of `--bridged` that leaves the choice to pim. */
export const anyBridge = "auto";
