import type { Described } from "./parameters.ts";

/** How help is written: in colours on a terminal. */
export interface Style {
  readonly ansiColor: boolean;
}

/** A titled part of a help text; nothing when it has no lines. */
export function section(title: string, lines: readonly string[], { ansiColor }: Style): string[] {
  if (lines.length === 0) return [];
  return ["", ansiColor ? `\x1b[4m${title}\x1b[24m` : title, ...lines.map((line) => `  ${line}`)];
}

/** Lines of two columns: what is described, and what is said of it. */
export function columns(rows: readonly Described[], { ansiColor }: Style): string[] {
  const width = Math.max(0, ...rows.map(({ term }) => term.length).filter((length) => length <= widest));
  return rows.flatMap(({ term, brief }) => {
    const shown = ansiColor ? `\x1b[1m${term}\x1b[22m` : term;
    // A term that is longer than most has a line to itself.
    if (term.length > width) return [shown, `${" ".repeat(width)}  ${brief}`];
    return [`${shown}${" ".repeat(width - term.length)}  ${brief}`];
  });
}

const widest = 56;
