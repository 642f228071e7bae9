import { exitCodeOf, formatError } from "./lib/cli/error_text.ts";
import { CancelledError, exitCode } from "./lib/errors.ts";
import { writeText } from "./lib/output.ts";
import { version } from "./lib/version.ts";

/** Runs pim with these arguments and returns its exit code. */
async function main(args: readonly string[]): Promise<number> {
  // Asked by scripts that only look whether pim is there: answered before all commands are loaded.
  if (args.length === 1 && (args[0] === "--version" || args[0] === "-v")) {
    writeText(Deno.stdout, `${version}\n`);
    return exitCode.ok;
  }
  const signal = stopSignal();
  const { runCommandLine } = await import("./lib/cli/command_line.ts");
  return await runCommandLine(args, signal);
}

/**
 * Aborted by the first Ctrl-C, SIGTERM or SIGHUP, so that everything is cleaned up. A second Ctrl-C ends the process
 * at once; a terminal that is closed meanwhile does not. Two that come together are one: timeout(1) sends its signal to
 * the program and to its process group.
 */
function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let stoppedAt = 0;
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => {
      const again = controller.signal.aborted && performance.now() - stoppedAt > 300;
      if (again && name === "SIGINT") Deno.exit(exitCode.cancelled);
      if (!controller.signal.aborted) stoppedAt = performance.now();
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
