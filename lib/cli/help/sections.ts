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
  const longest = Math.max(
    0,
    ...rows.map(({ term }) => term.length).filter((length) => length <= widestTerm),
  );
  const gap = " ".repeat(longest + 2);
  return rows.flatMap(({ term, brief }) => {
    const shown = ansiColor ? `\x1b[1m${term}\x1b[22m` : term;
    const [first = "", ...others] = wrap(brief, lineWidth - gap.length);
    const below = others.map((line) => gap + line);
    // A term that is longer than most has a line to itself.
    if (term.length > longest) return [shown, gap + first, ...below];
    return [`${shown}${" ".repeat(gap.length - term.length)}${first}`, ...below];
  });
}

const widestTerm = 56;
/** What a line of help holds at most; long terms and usage lines are not broken. */
export const lineWidth = 110;

/** Lines of at most so many characters, broken at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const last = lines.at(-1) ?? "";
    if (last !== "" && last.length + word.length + 1 > width) lines.push(word);
    else lines[lines.length - 1] = last === "" ? word : `${last} ${word}`;
  }
  return lines;
}
