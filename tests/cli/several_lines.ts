import { fileURLToPath } from "node:url";
import type { Outcome, User } from "./pim.ts";

const script = fileURLToPath(new URL("./run_lines.ts", import.meta.url));

// No command prints it.
const separator = "\x1e";

/**
 * Runs several lines of pim as a user, one after the other in one process, for tests of what pim prints: to start it for
 * each line takes longer than all that the lines do.
 */
export async function runLines<const LINES extends readonly (readonly string[])[]>(
  user: Pick<User, "argv" | "run">,
  lines: LINES,
  env: Record<string, string> = {},
): Promise<{ readonly [INDEX in keyof LINES]: Outcome }> {
  const argv = [...user.argv.slice(0, -1), script, JSON.stringify({ lines, separator })];
  const { stdout, stderr } = await user.run(argv, { env });
  const outputs = stdout.split(separator);
  const errors = stderr.split(separator);
  if (errors.length !== lines.length + 1) {
    throw new Error(`of ${lines.length} lines ${errors.length - 1} came to an end: ${stderr}`);
  }
  return lines.map((_, index) => ({
    code: Number(outputs[2 * index + 1]),
    stdout: outputs[2 * index] ?? "",
    stderr: errors[index] ?? "",
  })) as { readonly [INDEX in keyof LINES]: Outcome };
}
