/** The last lines of a text, without blank ones. */
export function lastLines(text: string, count: number): string {
  return text.split(/\r?\n/).filter((line) => line.trim() !== "").slice(-count).join("\n");
}

/** Takes pieces of text and gives whole lines. */
export interface LineSplitter {
  (text: string): void;
  /** Gives what is left: a last line without an end. */
  end(): void;
}

/** A function that takes pieces of text and calls back once for each whole line. */
export function lineSplitter(onLine: (line: string) => void): LineSplitter {
  let rest = "";
  const give = (line: string) => onLine(line.replace(/\r$/, ""));
  const push = (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(give);
  };
  return Object.assign(push, {
    end() {
      if (rest !== "") give(rest);
      rest = "";
    },
  });
}

/** Decodes a byte stream as UTF-8 and hands over each piece of text. */
export async function readText(
  stream: ReadableStream<Uint8Array>,
  onText: (text: string) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stream) onText(decoder.decode(chunk, { stream: true }));
}
