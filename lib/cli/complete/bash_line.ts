/** A command line as far as it was typed in bash: its words, and how the last one stands there. */
export interface BashLine {
  /** The words without quotes; nothing in them was expanded. The last one is being typed, and may be empty. */
  readonly words: readonly string[];
  /** Where the last word begins in the line. */
  readonly start: number;
  /** The quote that is open at the end. */
  readonly quote: "" | "'" | '"';
}

/** Splits a line at spaces outside quotes and takes the quotes and backslashes away, as bash would. */
export function splitBashLine(line: string): BashLine {
  const words: string[] = [];
  let word: string | undefined;
  let start = line.length;
  let quote: BashLine["quote"] = "";
  for (let index = 0; index < line.length; index++) {
    const char = line[index] as string;
    if (quote === "" && /\s/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (word === undefined) [word, start] = ["", index];
    if (char === quote) quote = "";
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === "\\" && escapes(quote, line[index + 1])) word += line[++index] ?? "";
    else word += char;
  }
  return { words: [...words, word ?? ""], start: word === undefined ? line.length : start, quote };
}

/** Whether a backslash takes away the meaning of the character after it. */
function escapes(quote: BashLine["quote"], next: string | undefined): boolean {
  if (quote === "'") return false;
  return quote === "" || (next !== undefined && '$`"\\'.includes(next));
}

/**
 * The text that bash puts in place of `current` to complete a line to a word; undefined when the word does not begin
 * with what was typed, or cannot stand in the quotes that are open. It is quoted, so that bash takes it as it is.
 *
 * @param line the line up to the cursor
 * @param current what bash replaces: the end of the line, from the last quote, colon or equals sign on
 */
export function bashReply(line: string, current: string, word: string): string | undefined {
  const { words, start } = splitBashLine(line);
  if (!line.endsWith(current) || !word.startsWith(words.at(-1) ?? "")) return undefined;
  const kept = splitBashLine(line.slice(start, Math.max(start, line.length - current.length)));
  const rest = word.slice(kept.words.at(-1)?.length ?? 0);
  const quoted = quoteFor(kept.quote, rest);
  if (quoted === undefined) return undefined;
  // After these more is to be typed; quotes are closed by bash.
  return /[:=/]$/.test(word) || kept.quote !== "" ? quoted : `${quoted} `;
}

function quoteFor(quote: BashLine["quote"], text: string): string | undefined {
  if (quote === "'") return text.replaceAll("'", "'\\''");
  // Nothing takes the meaning of ! away between double quotes.
  if (quote === '"') return text.includes("!") ? undefined : text.replace(/["$`\\]/g, "\\$&");
  return text.replace(/[^A-Za-z0-9_./:=@%+,\u0080-\uffff-]/g, "\\$&");
}
