import assert from "node:assert/strict";
import * as v from "valibot";
import { exampleProfile } from "../../docs/generate/example_profile.ts";
import { generate } from "../../docs/generate/docs.ts";
import { profileReference } from "../../docs/generate/profiles.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";
import { profileSchema } from "../../lib/profile/schema.ts";

Deno.test("what documents say of fields, settings, targets and commands is what the code says: run `deno task docs`", async () => {
  const pages = await generate();
  assert.ok(pages.length >= 4);
  for (const { path, is, wanted } of pages) assert.equal(is, wanted, path);
});

Deno.test("the examples of a profile's fields are right, and none is the field's default", () => {
  v.parse(profileSchema, exampleProfile);
  const plain = resolveProfile("web", {}, "amd64");
  for (const field of ["username", "locale", "keyboard", "timezone", "partitioning", "build"] as const) {
    assert.notDeepEqual(exampleProfile[field], plain[field]);
  }
});

Deno.test("the defaults that a profile's fields are documented with are those that hold", async () => {
  const resolved = resolveProfile("web", {}, "amd64");
  const values: Record<string, unknown> = { ...resolved };
  for (
    const [field, value] of [...Object.entries(resolved.partitioning), ...Object.entries(resolved.build)]
  ) {
    values[field] = value;
  }
  const literals = [
    ...(await profileReference()).matchAll(/^- Default: `(".*"|\d+|true|false)`\n- Example: `(\w+):/gm),
  ];
  assert.ok(literals.length > 8);
  for (const [, literal = "", field = ""] of literals) {
    assert.deepEqual(JSON.parse(literal), values[field], field);
  }
});
