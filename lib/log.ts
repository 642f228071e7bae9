import { writeText } from "./output.ts";

/** How much is written to stderr. */
export type LogLevel = "quiet" | "info" | "debug";

const rank: Record<LogLevel, number> = { quiet: 0, info: 1, debug: 2 };
const secrets = new Set<string>();
let level: LogLevel = "info";
let write: (line: string) => void = (line) => writeText(Deno.stderr, `${line}\n`);

/** Sets the level, and where lines go (stderr unless told otherwise). */
export function configureLog(options: { level?: LogLevel; write?: (line: string) => void }): void {
  level = options.level ?? level;
  write = options.write ?? write;
}

/** From now on this value is replaced by `***` in everything that {@linkcode redact} sees. */
export function hideSecret(value: string | undefined): void {
  // A short secret would blot out ordinary words; such a password is no secret anyway.
  if (value !== undefined && value.length >= 4) secrets.add(value);
}

/** The text with every secret that was announced by {@linkcode hideSecret} replaced by `***`. */
export function redact(text: string): string {
  // The longest first: one secret may begin with another.
  const longestFirst = [...secrets].sort((a, b) => b.length - a.length);
  return longestFirst.reduce((result, secret) => result.replaceAll(secret, "***"), text);
}

/** The only writer of log lines. Results of commands go to stdout instead. */
export const log = {
  /** A line that is shown under --debug only. */
  debug: (line: string): void => emit("debug", line),
  /** A line that is shown unless --quiet. */
  info: (line: string): void => emit("info", line),
  /** A warning: shown even under --quiet. */
  warn: (line: string): void => emit("quiet", `warning: ${line}`),
};

function emit(needed: LogLevel, line: string): void {
  if (rank[level] >= rank[needed]) write(redact(line));
}
