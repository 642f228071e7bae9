import { UsageError } from "../../errors.ts";
import { parseExactJson } from "../../qemu/exact_json.ts";
import type { JsonObject } from "../../qemu/json_lines.ts";

/** A command for QEMU or a guest agent, as a person typed it. */
export interface RawRequest {
  readonly command: string;
  readonly arguments: JsonObject;
}

const form = `As JSON: '{"execute": "COMMAND", "arguments": {…}}'; or: COMMAND KEY=VALUE…`;

/**
 * Understands a whole request as JSON, or COMMAND KEY=VALUE…: a value that is JSON is what it says, any other is a
 * string, and dots in a key lead into objects (a.b=1). Throws UsageError.
 */
export function parseRawRequest(words: readonly string[]): RawRequest {
  const [first = "", ...rest] = words;
  if (!/^\s*[{["]/.test(first)) return { command: checkCommand(first), arguments: parsePairs(rest) };
  if (rest.length > 0) {
    throw new UsageError(`After the JSON there is one word too many: ${rest[0]}`, {
      hint: "JSON has to reach pim as one word: put it between single quotes",
    });
  }
  return parseJson(first);
}

function parseJson(text: string): RawRequest {
  let value: unknown;
  try {
    value = parseExactJson(text);
  } catch (cause) {
    throw new UsageError(`This is no JSON: ${(cause as Error).message}`, { cause, hint: form });
  }
  if (!isObject(value) || typeof value.execute !== "string") {
    throw new UsageError(`The JSON is no request: it has no "execute" with a command's name`, { hint: form });
  }
  const { execute, arguments: args = {}, id: _, ...others } = value;
  const [other] = Object.keys(others);
  if (other !== undefined) {
    throw new UsageError(`A request has no ${JSON.stringify(other)}, only "execute" and "arguments"`, {
      hint: form,
    });
  }
  if (!isObject(args)) throw new UsageError(`"arguments" has to be an object`, { hint: form });
  return { command: checkCommand(execute as string), arguments: args };
}

function checkCommand(name: string): string {
  if (/^[A-Za-z0-9_.-]+$/.test(name)) return name;
  throw new UsageError(`${JSON.stringify(name)} cannot be a command`, { hint: form });
}

type Branch = { [key: string]: unknown };

function parsePairs(pairs: readonly string[]): JsonObject {
  const root: Branch = Object.create(null);
  for (const pair of pairs) {
    const [, key = "", text = ""] = /^([^=]+)=(.*)$/s.exec(pair) ?? [];
    if (key === "") throw new UsageError(`${pair} is no KEY=VALUE`, { hint: form });
    const path = key.split(".");
    if (path.includes("")) throw new UsageError(`${key} is no key: there is nothing between its dots`);
    put(root, path, parseValue(text), key);
  }
  return root;
}

function put(root: Branch, path: readonly string[], value: unknown, key: string): void {
  let branch = root;
  for (const part of path.slice(0, -1)) {
    const next = branch[part] ??= Object.create(null);
    if (!isObject(next)) throw new UsageError(`${key} contradicts what was given before for ${part}`);
    branch = next;
  }
  const last = path.at(-1) as string;
  if (last in branch) throw new UsageError(`${key} is given twice`);
  branch[last] = value;
}

function parseValue(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Branch {
  // Frozen is only what stands for a number: see parseExactJson.
  return typeof value === "object" && value !== null && !Array.isArray(value) && !Object.isFrozen(value);
}
