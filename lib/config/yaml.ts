import {
  CORE_SCHEMA,
  type Event,
  EVENT_ID,
  getScalarValue,
  loadAll,
  mergeTag,
  parseEvents,
  YAML11_SCHEMA,
  YAMLException,
} from "js-yaml";
import { UsageError } from "../errors.ts";

/** A parsed YAML file that still knows where its keys stand. */
export interface YamlDocument {
  readonly value: unknown;
  /** The line (from 1) of the key at a path, or of its nearest parent; undefined for the empty path. */
  lineOf(path: readonly string[]): number | undefined;
}

// Files of the earlier pim may use YAML 1.1's merge key `<<`.
const schema = CORE_SCHEMA.withTags(mergeTag);

/**
 * Parses a file of one YAML document; an empty file is an empty map. Throws {@linkcode UsageError} with the line.
 *
 * @param options.version 1.1 for files that other programs read, in which `yes` is true and `!!binary` is known
 */
export function parseYaml(text: string, file: string, options: { version?: "1.1" } = {}): YamlDocument {
  let documents: unknown[];
  try {
    documents = loadAll(text, { schema: options.version === "1.1" ? YAML11_SCHEMA : schema });
  } catch (cause) {
    if (!(cause instanceof YAMLException)) throw cause;
    const line = cause.mark === undefined ? "" : `:${cause.mark.line + 1}`;
    throw new UsageError(`${file}${line} is not valid YAML: ${cause.reason}`, { cause });
  }
  if (documents.length > 1) {
    throw new UsageError(`${file} has ${documents.length} YAML documents; one is allowed`);
  }
  let lines: Map<string, number> | undefined;
  return {
    value: documents[0] ?? {},
    lineOf(path) {
      // Only errors ask for lines, so they are worked out on demand.
      lines ??= keyLines(text);
      for (let depth = path.length; depth > 0; depth--) {
        const line = lines.get(JSON.stringify(path.slice(0, depth)));
        if (line !== undefined) return line;
      }
      return undefined;
    },
  };
}

/** JSON of a path -> the line of its key. */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  const events = parseEvents(text, {});
  let next = 0;

  function walk(path: readonly string[]): void {
    const event = events[next++];
    if (event?.type === EVENT_ID.MAPPING) {
      while (!atEnd()) {
        const keyEvent = events[next];
        const key = keyEvent?.type === EVENT_ID.SCALAR ? getScalarValue(text, keyEvent) : "?";
        if (keyEvent?.type === EVENT_ID.SCALAR) {
          lines.set(JSON.stringify([...path, key]), lineAt(keyEvent.valueStart));
        }
        walk([...path, key]); // the key itself: one scalar, or a map as a key
        walk([...path, key]);
      }
      next++;
    } else if (event?.type === EVENT_ID.SEQUENCE) {
      for (let index = 0; !atEnd(); index++) walk([...path, String(index)]);
      next++;
    }
  }
  function atEnd(): boolean {
    return next >= events.length || (events[next] as Event).type === EVENT_ID.POP;
  }
  function lineAt(offset: number): number {
    return text.slice(0, offset).split("\n").length;
  }

  if (events[next]?.type === EVENT_ID.DOCUMENT) next++;
  if (!atEnd()) walk([]);
  return lines;
}
