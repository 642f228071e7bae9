import assert from "node:assert/strict";
import { join } from "node:path";
import * as v from "valibot";
import { type Entry, loadEntries } from "../../lib/config/entries.ts";
import { type ConfigFolder, findFile, listFolder } from "../../lib/config/folders.ts";
import { UsageError } from "../../lib/errors.ts";
import { tempDir } from "../base/temp.ts";

const schema = v.strictObject({
  name: v.string(),
  size: v.optional(v.number()),
  tags: v.optional(v.array(v.string())),
  net: v.optional(v.strictObject({ port: v.optional(v.number()), host: v.optional(v.string()) })),
});

const folders = (dir: string): ConfigFolder[] => [
  { kind: "project", path: join(dir, "project") },
  { kind: "user", path: join(dir, "user") },
];

type Loaded = Entry<v.InferOutput<typeof schema>>[];

function load(dir: string): Promise<Loaded> {
  return loadEntries(folders(dir), "things.d", schema);
}

async function problem(dir: string): Promise<string> {
  const error = await load(dir).then(() => assert.fail("it loaded"), (thrown) => thrown);
  assert.ok(error instanceof UsageError);
  return error.message.replaceAll(`${dir}/`, "");
}

Deno.test("entries of all files come sorted, each merged over the entry called default", async () => {
  await using dir = await tempDir({
    "user/things.d/one.yml":
      "default: {size: 1, tags: [a], net: {port: 1, host: h}}\nb: {name: B, net: {port: 2}}\n",
    "user/things.d/two.yaml": "a: {name: A, size: 3, tags: [], net: }\n",
    "user/things.d/.hidden.yml": "c: {name: C}\n",
    "user/things.d/note.txt": "no entry",
  });
  assert.deepEqual(await load(dir.path), [
    {
      key: "a",
      value: { name: "A", size: 3, tags: [], net: { port: 1, host: "h" } },
      source: join(dir.path, "user/things.d/two.yaml"),
    },
    {
      key: "b",
      value: { name: "B", size: 1, tags: ["a"], net: { port: 2, host: "h" } },
      source: join(dir.path, "user/things.d/one.yml"),
    },
  ]);
});

Deno.test("the project's entry shadows the user's of the same key", async () => {
  await using dir = await tempDir({
    "project/things.d/x.yml": "a: {name: project}\n",
    "user/things.d/y.yml": "a: {name: user, size: 9}\nb: {name: user}\n",
  });
  const entries = await load(dir.path);
  assert.deepEqual(entries.map(({ key, value }) => [key, value]), [
    ["a", { name: "project" }],
    ["b", { name: "user" }],
  ]);
});

Deno.test("a wrong entry is told with the line in the file that has the mistake, default's own too", async () => {
  await using dir = await tempDir({ "user/things.d/x.yml": "a:\n  name: A\n  sizes: 3\n  tags:\n    - 5\n" });
  assert.deepEqual((await problem(dir.path)).split("\n").sort(), [
    "user/things.d/x.yml:3: sizes is not known here. Did you mean size?",
    "user/things.d/x.yml:4: tags.0 must be text, not 5",
  ]);
  await dir.write("user/things.d/x.yml", "a: {name: A}\n");
  await dir.write("user/things.d/d.yml", "default:\n  size: big\n");
  assert.equal(await problem(dir.path), 'user/things.d/d.yml:2: size must be a number, not "big"');
});

Deno.test("a key in two files of one folder, an entry that is no map and a file that is none are errors", async () => {
  await using dir = await tempDir({
    "user/things.d/x.yml": "a: {name: A}\n",
    "user/things.d/y.yml": "\na: {name: B}\n",
  });
  assert.equal(await problem(dir.path), "user/things.d/y.yml:2: a is already defined in user/things.d/x.yml");
  await dir.write("user/things.d/y.yml", "b: text\n");
  assert.equal(await problem(dir.path), "user/things.d/y.yml:1: b must be a map");
  await dir.write("user/things.d/y.yml", "- b\n");
  assert.equal(await problem(dir.path), "user/things.d/y.yml must be a map of key -> entry");
});

Deno.test("a file is looked for by its first name in all folders before the next name is tried", async () => {
  await using dir = await tempDir({
    "project/s.d/default.sh": "",
    "user/s.d/web.sh": "",
    "user/s.d/default.sh": "",
  });
  const find = async (...names: string[]) => (await findFile(folders(dir.path), "s.d", names))?.path;
  assert.equal(await find("web.sh", "default.sh"), join(dir.path, "user/s.d/web.sh"));
  assert.equal(await find("db.sh", "default.sh"), join(dir.path, "project/s.d/default.sh"));
  assert.equal(await find("db.sh"), undefined);
  assert.deepEqual(await listFolder({ kind: "user", path: join(dir.path, "none") }, "s.d", /./), []);
});
