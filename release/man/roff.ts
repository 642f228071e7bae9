// Writes what manual pages are made of, by the macros that man(7) describes; groff, mandoc and heirloom read them.
import { wrap } from "../../lib/cli/help/sections.ts";

/** A page as a list of lines, ended by newlines. */
export type Lines = readonly string[];

/** Text as roff takes it: nothing in it is a request or an escape. */
export function text(plain: string): string {
  const escaped = plain.replace(/[\\'`^~-]/g, (char) => names[char] ?? char)
    .replace(/\P{ASCII}/gu, (char) => `\\[u${codePoint(char)}]`);
  return escaped.replace(/^\./gm, "\\&.");
}

/** The first line of a page. */
export function title(name: string, date: string, source: string): string {
  return `.TH ${quoted(name.toUpperCase())} 1 "${date}" ${quoted(source)} "pim"`;
}

/** A section, if there is anything in it. */
export function section(name: string, lines: Lines): Lines {
  return lines.length === 0 ? [] : [`.SH ${quoted(name)}`, ...lines];
}

/** A part of a section. */
export function subsection(name: string, lines: Lines): Lines {
  return [`.SS ${quoted(name)}`, ...lines];
}

/** A term with its explanation. */
export function item(term: string, explanation: string): Lines {
  return [".TP", term, ...prose(explanation)];
}

/** A command line in bold. */
export function bold(plain: string): string {
  return `\\fB${text(plain)}\\fP`;
}

/** A flag as people write it: what is typed in bold, what is to be replaced in italics. */
export function flag(term: string): string {
  const word = (each: string) => each.startsWith("-") ? bold(each) : `\\fI${text(each)}\\fP`;
  return term.split(" ").map((each) => each.endsWith(",") ? `${word(each.slice(0, -1))},` : word(each)).join(
    " ",
  );
}

/** Paragraphs, and what is indented as it stands. Blank lines part them. */
export function paragraphs(plain: string): Lines {
  return plain.split(/\n{2,}/).flatMap((block, index) => {
    const asItIs = block.split("\n").every((line) => line.startsWith("  "));
    const between = index === 0 ? [] : [".PP"];
    if (!asItIs) return [...between, ...prose(block)];
    return [
      ...between,
      ".RS 4",
      ".nf",
      ...block.split("\n").map((line) => text(line.slice(2))),
      ".fi",
      ".RE",
    ];
  });
}

/** Lines that are not too long for those who read the source. */
function prose(plain: string): Lines {
  return wrap(plain.split(/\s+/).join(" "), 72).map(text);
}

/** A reference to another page. */
export function reference(page: string, last: boolean): string {
  return `.BR ${text(page)} (1)${last ? "" : ","}`;
}

const names: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  "-": "\\-",
};

function codePoint(char: string): string {
  return (char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
}

function quoted(plain: string): string {
  return `"${text(plain).replaceAll('"', '""')}"`;
}
