import { run } from "@stricli/core";
import { exitCode } from "../errors.ts";
import { configureLog } from "../log.ts";
import { buildApp } from "./app.ts";
import { createContext } from "./context.ts";
import { joinFlagValues } from "./flag_values.ts";
import { takeGlobalFlags } from "./global_flags.ts";
import { keepPassedOn } from "./passed_on.ts";

/**
 * Runs the command that these arguments name and returns its exit code.
 *
 * @param signal aborted when the user wants it to end
 */
export async function runCommandLine(args: readonly string[], signal: AbortSignal): Promise<number> {
  const { flags, rest } = takeGlobalFlags(keepPassedOn(args), Deno.env.get("PIM_LOG"));
  configureLog({ level: flags.level });
  const context = createContext({ signal, project: flags.project, quiet: flags.level === "quiet" });
  const typed = joinFlagValues(rest);
  await run(buildApp({ debug: flags.level === "debug", args: typed }), typed, context);
  const code = Number(context.process.exitCode ?? 0);
  // stricli's own codes for wrong usage are negative.
  return code < 0 ? exitCode.usage : code;
}
