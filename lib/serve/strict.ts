import { nearest } from "../suggest.ts";

/** A mistake in a template, with a hint on how to write it. */
export class TemplateMistake extends Error {
  override readonly name = "TemplateMistake";

  constructor(message: string, readonly hint?: string) {
    super(message);
  }
}

// Looked for on any object by JSON.stringify, await and string conversion.
const probed = new Set<PropertyKey>([
  "toJSON",
  "then",
  "constructor",
  "toString",
  "valueOf",
  "hasOwnProperty",
]);

/**
 * A read-only view in which a key that was never defined is an error, at any depth. A known key that has no value
 * is undefined and can be tested with `if (it.mirrorHost)`; whether a free key exists is told by `"name" in it.vars`.
 */
export function strict<T extends object>(value: T, path: string): T {
  // A copy, since a proxy may not answer with a view in place of a frozen property's own value.
  const target = (Array.isArray(value) ? [...value] : { ...value }) as T;
  return new Proxy(target, {
    get(target, key, receiver) {
      if (typeof key === "symbol" || isKnown(target, key)) {
        return view(Reflect.get(target, key, receiver), path, key);
      }
      throw unknownKey(target, key, path);
    },
    set(_target, key) {
      throw new TemplateMistake(
        `${join(path, key)} cannot be set`,
        "Templates read values; use a variable of your own.",
      );
    },
    deleteProperty(_target, key) {
      throw new TemplateMistake(`${join(path, key)} cannot be deleted`);
    },
  });
}

function isKnown(target: object, key: string): boolean {
  return Object.hasOwn(target, key) || probed.has(key) ||
    (Array.isArray(target) && (/^\d+$/.test(key) || key in Array.prototype));
}

function view(value: unknown, path: string, key: PropertyKey): unknown {
  return typeof value === "object" && value !== null ? strict(value, join(path, key)) : value;
}

function unknownKey(target: object, key: string, path: string): TemplateMistake {
  const known = Array.isArray(target) ? Object.getOwnPropertyNames(Array.prototype) : Object.keys(target);
  const near = nearest(key, known);
  const hint = near !== undefined
    ? `Did you mean ${join(path, near)}?`
    : path === "it.vars"
    ? `Set vars.${key} in the profile, or test for it with: "${key}" in it.vars`
    : `${path} has: ${Array.isArray(target) ? "the methods of a list" : known.sort().join(", ")}`;
  return new TemplateMistake(`${join(path, key)} is not defined`, hint);
}

function join(path: string, key: PropertyKey): string {
  const name = String(key);
  return /^[A-Za-z_$][\w$]*$/.test(name) ? `${path}.${name}` : `${path}[${JSON.stringify(name)}]`;
}
