import { run } from "@stricli/core";
import { buildApp } from "./lib/cli/app.ts";
import { createContext } from "./lib/cli/context.ts";
import { exitCodeOf, formatError } from "./lib/cli/error_text.ts";
import { joinFlagValues } from "./lib/cli/flag_values.ts";
import { takeGlobalFlags } from "./lib/cli/global_flags.ts";
import { keepPassedOn } from "./lib/cli/passed_on.ts";
import { CancelledError, exitCode } from "./lib/errors.ts";
import { configureLog } from "./lib/log.ts";
import { writeText } from "./lib/output.ts";

/** Runs pim with these arguments and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { flags, rest } = takeGlobalFlags(keepPassedOn(args), Deno.env.get("PIM_LOG"));
  configureLog({ level: flags.level });
  const context = createContext({
    signal: stopSignal(),
    project: flags.project,
    quiet: flags.level === "quiet",
  });
  await run(buildApp({ debug: flags.level === "debug" }), joinFlagValues(rest), context);
  const code = Number(context.process.exitCode ?? 0);
  // stricli's own codes for wrong usage are negative.
  return code < 0 ? exitCode.usage : code;
}

/**
 * Aborted by the first Ctrl-C, SIGTERM or SIGHUP, so that everything is cleaned up. A second Ctrl-C ends the process
 * at once; a terminal that is closed meanwhile does not.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => {
      if (controller.signal.aborted && name === "SIGINT") Deno.exit(exitCode.cancelled);
      controller.abort(new CancelledError());
    });
  }
  return controller.signal;
}

if (import.meta.main) {
  try {
    Deno.exit(await main(Deno.args));
  } catch (error) {
    writeText(Deno.stderr, `${formatError(error, Deno.args.includes("--debug"))}\n`);
    Deno.exit(exitCodeOf(error));
  }
}
