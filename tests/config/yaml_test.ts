import assert from "node:assert/strict";
import { UsageError } from "../../lib/errors.ts";
import { parseYaml } from "../../lib/config/yaml.ts";

const messageFor = (text: string): string => {
  try {
    parseYaml(text, "f.yml");
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  assert.fail("it was read without an error");
};

Deno.test("a syntax error is told with its file and line", () => {
  assert.match(messageFor("a: 1\nb:\n\t- x\n"), /^f\.yml:3 is not valid YAML: tab characters/);
  assert.match(messageFor("a: 1\nb: 2\na: 3\n"), /^f\.yml:3 is not valid YAML: duplicated mapping key/);
  assert.match(messageFor("a: 1\nb: [1, 2\n"), /^f\.yml:\d is not valid YAML: /);
});

Deno.test("more than one document is an error, an empty file an empty map", () => {
  assert.equal(messageFor("a: 1\n---\nb: 1\n"), "f.yml has 2 YAML documents; one is allowed");
  assert.deepEqual(parseYaml("", "f.yml").value, {});
  assert.deepEqual(parseYaml("# only a comment\n", "f.yml").value, {});
});

Deno.test("every key knows its line, through nesting, lists, quotes, anchors and flow maps", () => {
  const { lineOf } = parseYaml(
    '# head\nbuild:\n  cpus: 2\n  "ssh":\n    port: 0\nlist:\n  - a: 1\n  - b: 2\nbase: &x {k: 1,\n  l: 2}\nuse:\n  <<: *x\n  m: 3\n',
    "f.yml",
  );
  assert.equal(lineOf(["build"]), 2);
  assert.equal(lineOf(["build", "cpus"]), 3);
  assert.equal(lineOf(["build", "ssh", "port"]), 5);
  assert.equal(lineOf(["list", "1", "b"]), 8);
  assert.equal(lineOf(["base", "l"]), 10);
  assert.equal(lineOf(["use", "m"]), 13);
  assert.equal(lineOf(["build", "ssh", "none"]), 4);
  assert.equal(lineOf([]), undefined);
});

Deno.test("the merge key of YAML 1.1 works, and yes, no and dates stay text", () => {
  const { value } = parseYaml("a: &a {x: 1, y: 1}\nb:\n  <<: *a\n  y: 2\nc: yes\nd: 2024-01-01\n", "f.yml");
  assert.deepEqual(structuredClone(value), {
    a: { x: 1, y: 1 },
    b: { x: 1, y: 2 },
    c: "yes",
    d: "2024-01-01",
  });
});

Deno.test("YAML 1.1, for files that other programs read, knows their types", () => {
  const text = "a: yes\nb: 0644\nc: !!binary aGk=\nd: &x {e: 1}\nf: {<<: *x}\n";
  assert.deepEqual(parseYaml(text, "f.yml", { version: "1.1" }).value, {
    a: true,
    b: 0o644,
    c: new TextEncoder().encode("hi"),
    d: { e: 1 },
    f: { e: 1 },
  });
  assert.throws(() => parseYaml(text, "f.yml"), /f\.yml:3 is not valid YAML/);
});
