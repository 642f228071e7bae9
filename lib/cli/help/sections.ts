import type { Described } from "./parameters.ts";

/** How help is written: in colours on a terminal, and no wider than it is. */
export interface Style {
  readonly ansiColor: boolean;
  /** What a line holds at most; long terms and usage lines are not broken. */
  readonly width: number;
}

/** The style of help on this process's terminal, or on what stdout is in its place. */
export function styleOf(stdout: Pick<typeof Deno.stdout, "isTerminal">): Style {
  if (!stdout.isTerminal()) return { ansiColor: false, width: widestLine };
  // Some terminals do not know their size.
  const columns = Deno.consoleSize().columns || widestLine;
  return { ansiColor: !Deno.noColor, width: Math.min(widestLine, Math.max(narrowestLine, columns)) };
}

/** Of help that no terminal shows, and of help on a very wide one. */
export const widestLine = 110;
const narrowestLine = 60;

/** A titled part of a help text; nothing when it has no lines. */
export function section(title: string, lines: readonly string[], { ansiColor }: Style): string[] {
  if (lines.length === 0) return [];
  return ["", ansiColor ? `\x1b[4m${title}\x1b[24m` : title, ...lines.map((line) => indent + line)];
}

/** Of the lines of a section. */
export const indent = "  ";

/** Lines of two columns: what is described, and what is said of it. */
export function columns(rows: readonly Described[], { ansiColor, width }: Style): string[] {
  const widestTerm = Math.floor(width / 2);
  const longest = Math.max(
    0,
    ...rows.map(({ term }) => term.length).filter((length) => length <= widestTerm),
  );
  const gap = " ".repeat(longest + 2);
  return rows.flatMap(({ term, brief }) => {
    const shown = ansiColor ? `\x1b[1m${term}\x1b[22m` : term;
    const [first = "", ...others] = wrap(brief, width - indent.length - gap.length);
    const below = others.map((line) => gap + line);
    // A term that is longer than most has a line to itself.
    if (term.length > longest) return [shown, gap + first, ...below];
    return [`${shown}${" ".repeat(gap.length - term.length)}${first}`, ...below];
  });
}

/** A text of several paragraphs; one with indented lines is left as it is. */
export function paragraphs(text: string, { width }: Style): string {
  return text.split("\n\n").map((paragraph) =>
    /^ /m.test(paragraph) ? paragraph : wrap(paragraph.replaceAll("\n", " "), width).join("\n")
  ).join("\n\n");
}

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
