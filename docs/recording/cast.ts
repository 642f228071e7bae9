/** What a terminal showed: its size, and each piece of text with the second it came at. */
export interface Recording {
  readonly columns: number;
  readonly rows: number;
  readonly events: readonly (readonly [second: number, text: string])[];
}

/** A recording as asciicast v2: a line with the size, then a line for each piece. */
export function writeCast({ columns, rows, events }: Recording): string {
  const header = JSON.stringify({ version: 2, width: columns, height: rows });
  const lines = events.map(([second, text]) => JSON.stringify([Number(second.toFixed(3)), "o", text]));
  return [header, ...lines, ""].join("\n");
}

/** Reads what {@linkcode writeCast} wrote. */
export function readCast(text: string): Recording {
  const [header = "{}", ...lines] = text.trim().split("\n");
  const { width, height } = JSON.parse(header);
  const events = lines.map((line) => JSON.parse(line)).map(([second, , piece]) => [second, piece] as const);
  return { columns: width, rows: height, events };
}
