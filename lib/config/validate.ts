import * as v from "valibot";
import { UsageError } from "../errors.ts";
import { nearest } from "../suggest.ts";

/** Names the place of the value at a path, for messages: "FILE:LINE", or the name of a variable. */
export type Where = (path: readonly string[]) => string;

/** One thing wrong with a value. */
export interface Problem {
  readonly path: readonly string[];
  readonly text: string;
}

/** Checks a value against a schema and returns it typed; throws one {@linkcode UsageError} with all problems. */
export function validate<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  where: Where,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  throw problemsError(result.issues.flatMap((issue) => problemsOf(schema, issue)), where);
}

/** One error that lists problems, each with its place and key. */
export function problemsError(problems: readonly Problem[], where: Where): UsageError {
  const lines = problems.map(({ path, text }) =>
    `${where(path)}: ${path.length === 0 ? "it" : path.join(".")} ${text}`
  );
  return new UsageError(lines.join("\n"));
}

type Issue = v.BaseIssue<unknown>;

function problemsOf(schema: v.GenericSchema, issue: Issue): Problem[] {
  const path = (issue.path ?? []).map((item) => String(item.key));
  // valibot stops at the first unknown key of an object; people want to see them all.
  if (issue.type === "strict_object" && issue.expected === "never") {
    const parent = path.slice(0, -1);
    const known = Object.keys(entriesAt(schema, parent) ?? {});
    const given = Object.keys(issue.path?.at(-1)?.input as object);
    return given.filter((key) => !known.includes(key)).map((key) => {
      const near = nearest(key, known);
      const text = near === undefined
        ? `is not known here; known: ${known.sort().join(", ")}`
        : `is not known here. Did you mean ${near}?`;
      return { path: [...parent, key], text };
    });
  }
  // What valibot expects of a missing key is the key itself.
  if (issue.received === "undefined" && issue.expected === `"${path.at(-1)}"`) {
    return [{ path, text: "is missing" }];
  }
  if (issue.received === "undefined") return [{ path, text: `is missing (${expectation(issue)})` }];
  // What a text that is no amount has become says nothing about that text.
  const not = issue.received === "NaN" ? "" : `, not ${shorten(issue.received)}`;
  return [{ path, text: `must be ${expectation(issue)}${not}` }];
}

const words: Record<string, string> = {
  string: "text",
  number: "a number",
  boolean: "true or false",
  Object: "a map",
  Array: "a list",
};

function expectation(issue: Issue): string {
  // Our own messages say what is expected; valibot's begin with "Invalid".
  if (!issue.message.startsWith("Invalid")) return issue.message;
  const expected = issue.expected ?? "something else";
  return expected.replace(/^\(|\)$/g, "").split(" | ").map((word) => words[word] ?? word).join(" or ");
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

type Entries = Readonly<Record<string, v.GenericSchema>>;

/** The entries of the object schema at a path, looking through optional, record and pipe wrappers. */
function entriesAt(schema: unknown, path: readonly string[]): Entries | undefined {
  const inner = unwrap(schema);
  const [key, ...rest] = path;
  if (key === undefined) return inner.entries;
  return entriesAt(inner.entries?.[key] ?? inner.value ?? inner.item, rest);
}

interface SchemaShape {
  readonly entries?: Entries;
  readonly value?: unknown;
  readonly item?: unknown;
  readonly wrapped?: unknown;
  readonly options?: readonly unknown[];
}

function unwrap(schema: unknown): SchemaShape {
  const shape = (schema ?? {}) as SchemaShape;
  if (shape.wrapped !== undefined) return unwrap(shape.wrapped);
  const object = shape.options?.map(unwrap).find((option) => option.entries !== undefined);
  return object ?? shape;
}
