import assert from "node:assert/strict";
import { get, type Layer, leaves, mergeLayers, type Tree } from "../../lib/config/merge.ts";

const layer = (source: string, value: Tree): Layer => ({ source, value });

Deno.test("maps merge key by key; lists and single values replace", () => {
  const { value } = mergeLayers([
    layer("low", { build: { cpus: 2, ssh: { port: 0, user: "a" } }, packages: ["a", "b"], name: "low" }),
    layer("high", { build: { ssh: { port: 22 } }, packages: ["c"], name: "high" }),
  ]);
  assert.deepEqual(value, {
    build: { cpus: 2, ssh: { port: 22, user: "a" } },
    packages: ["c"],
    name: "high",
  });
});

Deno.test("null and undefined keep what was there, false and empty values do not", () => {
  const { value } = mergeLayers([
    layer("low", { a: 1, b: { c: 2 }, d: true, e: "text", f: ["x"] }),
    layer("high", { a: null, b: { c: undefined }, d: false, e: "", f: [] }),
  ]);
  assert.deepEqual(value, { a: 1, b: { c: 2 }, d: false, e: "", f: [] });
  assert.deepEqual(mergeLayers([layer("one", { a: null, b: { c: null, d: 1 } })]).value, { b: { d: 1 } });
});

Deno.test("a map in place of a single value replaces it, and the other way round", () => {
  const { value, sources } = mergeLayers([
    layer("low", { answers: ["a"], iso: { x: 1 } }),
    layer("high", { answers: { b: 1 }, iso: "key" }),
  ]);
  assert.deepEqual(value, { answers: { b: 1 }, iso: "key" });
  assert.deepEqual([...sources], [["answers.b", "high"], ["iso", "high"]]);
});

Deno.test("each value knows the layer that decided it", () => {
  const { sources } = mergeLayers([
    layer("built-in", { a: 1, b: { c: 1, d: 1 }, e: {} }),
    layer("user", { a: 2, b: { c: null } }),
    layer("project", { b: { d: 3 } }),
  ]);
  assert.deepEqual(Object.fromEntries(sources), {
    "a": "user",
    "b.c": "built-in",
    "b.d": "project",
    "e": "built-in",
  });
});

Deno.test("where names the file and line of a value, else of what is nearest to it", () => {
  const { where } = mergeLayers([
    layer("built-in", { a: { b: 1 } }),
    {
      source: "pim.yml",
      value: { a: { c: 2 }, list: ["x", "y"] },
      lineOf: (path) => ({ "a": 1, "a.c": 2, "list": 3, "list.1": 5 })[path.join(".")],
    },
  ]);
  assert.equal(where(["a", "b"]), "built-in");
  assert.equal(where(["a", "c"]), "pim.yml:2");
  assert.equal(where(["list", "1"]), "pim.yml:5");
  assert.equal(where(["a"]), "built-in");
});

Deno.test("no layers make an empty map, and merging changes none of its sources", () => {
  assert.deepEqual(mergeLayers([]).value, {});
  const low = { list: [1], map: { a: 1 } };
  const { value } = mergeLayers<Tree>([layer("low", low), layer("high", { map: { b: 2 } })]);
  assert.deepEqual(low, { list: [1], map: { a: 1 } });
  assert.deepEqual(value, { list: [1], map: { a: 1, b: 2 } });
});

Deno.test("a key called __proto__ changes no prototype", () => {
  const evil = JSON.parse('{"__proto__": {"polluted": true}, "a": 1}');
  mergeLayers([layer("low", { a: 0 }), layer("high", evil)]);
  assert.equal(({} as Tree)["polluted"], undefined);
});

Deno.test("values are found by path, and leaves are all that are no maps, empty maps included", () => {
  const tree = { a: { b: 1, c: {} }, d: [1] };
  assert.equal(get(tree, ["a", "b"]), 1);
  assert.equal(get(tree, ["a", "constructor"]), undefined);
  assert.equal(get(tree, ["d", "x"]), undefined);
  assert.deepEqual(leaves(tree), [["a", "b"], ["a", "c"], ["d"]]);
});
