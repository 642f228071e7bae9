import assert from "node:assert/strict";
import { appendEntry, removeEntry, replaceScalars } from "../../lib/config/yaml_edit.ts";
import type { PimError } from "../../lib/errors.ts";

const text = `# The file.

plain:   # a comment
    url:    https://e.org/1.0/x.iso   # another
    mirrors:
    - "https://m.org/1.0/x.iso"
    - 'https://n.org/it''s/1.0'
flow: { url: https://e.org/1.0/y.iso, mirrors: [a, "b"] }

# About the last one.
"quo ted":
  url: 'x'\r
  name: |
    two
    lines
`;

const refuses = (why: RegExp) => (error: PimError) => {
  assert.equal(error.exitCode, 2);
  assert.match(`${error.message} | ${error.hint}`, why);
  return true;
};

Deno.test("a text is replaced where it stands, in its quotes, and every other byte stays", () => {
  const edited = replaceScalars(text, "f.yml", [
    { path: ["plain", "url"], value: "https://e.org/2.0/x.iso" },
    { path: ["plain", "mirrors", "0"], value: 'https://m.org/"2.0"' },
    { path: ["plain", "mirrors", "1"], value: "https://n.org/it's/2.0" },
    { path: ["flow", "mirrors", "1"], value: "c" },
    { path: ["quo ted", "url"], value: "longer" },
  ]);
  assert.equal(
    edited,
    text.replace("e.org/1.0/x.iso", "e.org/2.0/x.iso").replace(
      "https://m.org/1.0/x.iso",
      'https://m.org/\\"2.0\\"',
    )
      .replace("s/1.0", "s/2.0").replace('"b"', '"c"').replace("'x'", "'longer'"),
  );
});

Deno.test("what does not stand there itself is not replaced", () => {
  const anchored = "a: &a\n  url: x\n  more: &m y\nb: *a\nc:\n  <<: *a\n  name: z\n  more: *m\n";
  const refused = [
    ["a.url", /other entries share it/],
    ["a.more", /other entries share it/],
    ["c.url", /comes from an anchor/],
    ["c.more", /comes from an anchor/],
    ["b.url", /comes from an anchor/],
  ] as const;
  for (const [path, why] of refused) {
    assert.throws(
      () => replaceScalars(anchored, "f.yml", [{ path: path.split("."), value: "v" }]),
      refuses(why),
      path,
    );
  }
  assert.match(replaceScalars(anchored, "f.yml", [{ path: ["c", "name"], value: "v" }]), /name: v\n/);
  assert.throws(
    () => replaceScalars(text, "f.yml", [{ path: ["quo ted", "name"], value: "v" }]),
    refuses(/several lines/),
  );
});

Deno.test("a value that would mean something else without quotes is refused, not written", () => {
  for (const value of ["a: b", "x # y", "&z", "2\nkey: evil"]) {
    assert.throws(
      () => replaceScalars(text, "f.yml", [{ path: ["plain", "url"], value }]),
      refuses(/Cannot change plain.url in f.yml and leave the rest.*by hand/),
      value,
    );
  }
});

Deno.test("an entry is taken out with what is its own, and the rest stays", () => {
  assert.equal(
    removeEntry(text, "f.yml", "plain"),
    text.replace(/plain:[^]*?(?=flow)/, ""),
  );
  assert.equal(removeEntry(text, "f.yml", "flow"), text.replace(/flow.*\n\n/, ""));
  assert.equal(removeEntry(text, "f.yml", "quo ted"), text.replace(/\n# About[^]*$/, ""));
  assert.equal(removeEntry("a:\n  url: x\n", "f.yml", "a"), "");
  assert.throws(() => removeEntry(text, "f.yml", "none"), refuses(/has no entry none/));
  assert.throws(() => removeEntry("a: &a\n  url: x\nb: *a\n", "f.yml", "a"), refuses(/Cannot change a/));
  assert.throws(() => removeEntry("{a: {url: x}, b: {url: y}}\n", "f.yml", "a"), refuses(/Cannot change a/));
});

Deno.test("an entry is added at the end, and never twice", () => {
  assert.equal(appendEntry("", "f.yml", "b:\n  url: y\n"), "b:\n  url: y\n");
  assert.equal(appendEntry("a:\n  url: x", "f.yml", "b:\n  url: y\n"), "a:\n  url: x\n\nb:\n  url: y\n");
  assert.throws(() => appendEntry("b:\n  url: x\n", "f.yml", "b:\n  url: y\n"), refuses(/Cannot change b/));
  assert.throws(() => appendEntry("{a: {url: x}}\n", "f.yml", "b:\n  url: y\n"), refuses(/Cannot change b/));
});
