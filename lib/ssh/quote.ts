import { PimError } from "../errors.ts";

/** A text as one word of a POSIX shell, whatever it contains (XCU 2.2.2); NUL cannot be passed and throws. */
export function shellQuote(text: string): string {
  if (text.includes("\0")) throw new PimError("A shell word cannot contain a NUL character");
  if (/^[\w@%+:,./-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Argv as a command line for the guest's shell, with variables set for that command only. */
export function shellCommand(argv: readonly string[], env: Readonly<Record<string, string>> = {}): string {
  const variables = Object.entries(env).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new PimError(`${JSON.stringify(name)} cannot be the name of an environment variable`);
    }
    return `${name}=${shellQuote(value)}`;
  });
  // `env` in front, so that a first word such as `if` or `A=b` is never read as shell grammar.
  return [...(variables.length === 0 ? [] : ["env", ...variables]), ...argv.map(shellQuote)].join(" ");
}

/** A path as one word of ssh_config(5), where `%` begins a token. */
export function configPath(path: string): string {
  const text = path.replaceAll("%", "%%");
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}
