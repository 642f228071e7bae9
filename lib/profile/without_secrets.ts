import { isTree, type Tree } from "../config/merge.ts";

// Of fields, and of the free values in vars: the default preseed knows vars.diskPassphrase.
const secretName = /passw(or)?d|passphrase|secret|token/i;

/** A profile's values to be shown to people: texts that are called as secrets are called, are `***`. */
export function withoutSecrets(values: Tree): Tree {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      if (isTree(value)) return [key, withoutSecrets(value)];
      return [key, typeof value === "string" && value !== "" && secretName.test(key) ? "***" : value];
    }),
  );
}
