import type * as v from "valibot";
import { secretReference } from "../../lib/deploy/secret.ts";

// What valibot's schemas are made of, as far as it is read here.
interface Schema {
  readonly type: string;
  readonly kind: string;
  readonly message?: unknown;
  readonly wrapped?: Schema;
  readonly default?: unknown;
  readonly pipe?: readonly Schema[];
  readonly entries?: Readonly<Record<string, Schema>>;
  readonly item?: Schema;
  readonly options?: readonly unknown[];
}

/** A key that an object may have. */
export interface Field {
  readonly key: string;
  /** What its value is, for people: "text", "`api` or `ssh`", "a list of: a tag". */
  readonly shape: string;
  readonly required: boolean;
  readonly default: unknown;
  /** The keys of an object in it. */
  readonly inner: readonly Field[];
}

/** The keys of an object's schema. */
export function fieldsOf(schema: v.GenericSchema): Field[] {
  return fields(schema as unknown as Schema);
}

function fields(schema: Schema): Field[] {
  return Object.entries(bare(schema).entries ?? {}).map(([key, each]) => ({
    key,
    shape: shapeOf(each),
    required: each.wrapped === undefined,
    default: each.default,
    inner: fields(each),
  }));
}

/** The schema itself, without what makes it optional and what checks or changes its value. */
function bare(schema: Schema): Schema {
  // A pipe begins with the schema as it was before.
  const inner = schema.pipe?.[0] ?? schema.wrapped;
  return inner === undefined ? schema : bare(inner);
}

function shapeOf(schema: Schema): string {
  if ((schema.wrapped ?? schema) as unknown === secretReference) return "a reference to a secret";
  const base = bare(schema);
  const name = nameOf(base);
  const said = messagesOf(schema).filter((each) => each !== name);
  if (said.length === 0) return name;
  // Of a text these say what it is; a number or a list is one all the same.
  return ["union", "string"].includes(base.type) ? said.join(", ") : `${name} (${said.join(", ")})`;
}

function nameOf(schema: Schema): string {
  switch (schema.type) {
    case "string":
      return "text";
    case "number":
      return "a number";
    case "boolean":
      return "`true` or `false`";
    case "picklist":
      return listed((schema.options ?? []).map((each) => `\`${each}\``));
    case "array":
      return `a list of: ${shapeOf(schema.item!)}`;
    case "union":
      return listed((schema.options as readonly Schema[]).map(shapeOf));
    default:
      return "a map";
  }
}

/** What a value must be, as the checks of a schema say it when it is not. */
function messagesOf(schema: Schema): string[] {
  const said = messages(schema).filter((each) => each !== "a text that is not empty");
  // "a size such as 20G" says less than "a size such as 20G or 512M".
  return [...new Set(said)].filter((each) => !said.some((other) => other !== each && other.startsWith(each)));
}

function messages(schema: Schema): string[] {
  const own = schema.message;
  const parts = [...(schema.pipe ?? []), ...(schema.wrapped === undefined ? [] : [schema.wrapped])];
  return [...(typeof own === "string" ? [own] : []), ...parts.flatMap(messages)];
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
