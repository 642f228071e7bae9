// deno-lint-ignore-file no-console -- for scripts that talk to whoever runs them
import { exitCodeOf, formatError } from "../lib/cli/error_text.ts";

/** Runs what a task of deno.json does and ends the process, with pim's own exit codes and words for errors. */
export async function runScript(main: () => Promise<number | void>): Promise<never> {
  try {
    Deno.exit(await main() ?? 0);
  } catch (error) {
    console.error(formatError(error, Deno.args.includes("--debug")));
    Deno.exit(exitCodeOf(error));
  }
}
