// What several_lines.ts starts: runs command lines of pim one after the other in this process. Main.ts does the same with
// one, and listens to Ctrl-C meanwhile.
import { runCommandLine } from "../../lib/cli/command_line.ts";
import { exitCodeOf, formatError } from "../../lib/cli/error_text.ts";
import { writeText } from "../../lib/output.ts";

async function runLine(args: readonly string[]): Promise<number> {
  try {
    return await runCommandLine(args, new AbortController().signal);
  } catch (error) {
    writeText(Deno.stderr, `${formatError(error, args.includes("--debug"))}\n`);
    return exitCodeOf(error);
  }
}

const { lines, separator } = JSON.parse(Deno.args[0] ?? "");
for (const args of lines) {
  const code = await runLine(args);
  writeText(Deno.stdout, `${separator}${code}${separator}`);
  writeText(Deno.stderr, separator);
}
