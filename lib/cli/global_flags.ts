import type { LogLevel } from "../log.ts";
import { UsageError } from "../errors.ts";

/** Flags that every command takes, wherever they stand before `--`. */
export interface GlobalFlags {
  readonly level: LogLevel;
  readonly project?: string;
}

/** Takes the global flags out of the arguments; PIM_LOG gives the level where no flag does. */
export function takeGlobalFlags(
  args: readonly string[],
  logFromEnv: string | undefined,
): { readonly flags: GlobalFlags; readonly rest: string[] } {
  let level: LogLevel = logFromEnv === "debug" || logFromEnv === "quiet" ? logFromEnv : "info";
  let project: string | undefined;
  const rest: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string;
    if (arg === "--") {
      rest.push(...args.slice(index));
      break;
    } else if (arg === "--debug") level = "debug";
    else if (arg === "--quiet" || arg === "-q") level = "quiet";
    else if (arg === "--project") {
      project = args[++index];
      if (project === undefined) throw new UsageError("--project needs a folder");
    } else if (arg.startsWith("--project=")) project = arg.slice("--project=".length);
    else rest.push(arg);
  }
  return { flags: { level, project }, rest };
}
