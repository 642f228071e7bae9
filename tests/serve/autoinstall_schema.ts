import { Ajv } from "ajv";
import * as v from "valibot";
import { join } from "node:path";

// Subiquity's own schema is not part of this repository; where a checkout has it beside itself, it is used.
const schemaPath = Deno.env.get("PIM_TEST_AUTOINSTALL_SCHEMA") ||
  join(import.meta.dirname ?? ".", "..", "..", "..", "shared", "data", "subiquity-autoinstall-schema.json");

const text = v.string();
const words = v.array(text);

/** What pim's template writes, whatever the profile adds. */
const shape = v.looseObject({
  version: v.literal(1),
  locale: text,
  keyboard: v.looseObject({ layout: text }),
  timezone: text,
  identity: v.strictObject({ hostname: text, realname: text, username: text, password: text }),
  ssh: v.looseObject({
    "install-server": v.literal(true),
    "allow-pw": v.boolean(),
    "authorized-keys": words,
  }),
  storage: v.looseObject({ layout: v.looseObject({ name: v.picklist(["direct", "lvm", "zfs"]) }) }),
  packages: words,
  "late-commands": v.array(words),
  "error-commands": v.array(words),
  shutdown: v.literal("reboot"),
});

/** Checks an autoinstall map and returns what is wrong with it. */
export type AutoinstallCheck = (autoinstall: unknown) => string[];

/** The check by subiquity's schema and by our own shape; says so when the schema is not there. */
export async function autoinstallCheck(): Promise<{ check: AutoinstallCheck; by: string }> {
  const ours: AutoinstallCheck = (value) =>
    (v.safeParse(shape, value).issues ?? []).map((issue) => `${v.getDotPath(issue)}: ${issue.message}`);
  let schema: object;
  try {
    schema = JSON.parse(await Deno.readTextFile(schemaPath));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    return {
      check: ours,
      by: "its fixed shape only: subiquity's JSON schema is not there (PIM_TEST_AUTOINSTALL_SCHEMA)",
    };
  }
  const validate = new Ajv({ allErrors: true, strict: false, formats: { uri: isUri } }).compile(schema);
  return {
    check: (value) => [
      ...ours(value),
      ...(validate(value)
        ? []
        : (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`)),
    ],
    by: "subiquity's JSON schema and its fixed shape",
  };
}

function isUri(text: string): boolean {
  return URL.canParse(text);
}
