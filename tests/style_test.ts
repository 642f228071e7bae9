import assert from "node:assert/strict";
import { basename } from "node:path";
import ts from "typescript";
import config from "../deno.json" with { type: "json" };
import { matchesOf, offenders, readSource, readSources, root, type Source } from "./sources.ts";

const library = [...await readSources("lib"), await readSource("main.ts")];
// The recipes are what users write: a profile may be called "docker-host".
const ofDocs = (await readSources("docs")).filter(({ path }) => !path.startsWith("docs/recipes/"));
const scripts = [...await readSources("release"), ...ofDocs];
const tests = await readSources("tests");
const all = [...library, ...scripts, ...tests];

function longerThan(lines: number): (file: Source) => string[] {
  return ({ text }) => {
    const count = text.trimEnd().split("\n").length;
    return count > lines ? [`it has ${count} lines`] : [];
  };
}

/** The functions of a file: the line where each begins, and how many it has. */
function functionsOf({ path, text }: Source): { readonly line: number; readonly lines: number }[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const lineOf = (position: number) => source.getLineAndCharacterOfPosition(position).line + 1;
  const found: { line: number; lines: number }[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isFunctionLike(node)) {
      const line = lineOf(node.getStart(source));
      found.push({ line, lines: lineOf(node.end) - line + 1 });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const functions = new Map([...library, ...scripts].map((file) => [file.path, functionsOf(file)]));

function functionsLongerThan(most: number): (file: Source) => string[] {
  return ({ path }) =>
    (functions.get(path) ?? []).filter(({ lines }) => lines > most)
      .map(({ line, lines }) => `${lines} lines from line ${line} on`);
}

/** What a file exports, each with whether a comment says what it is. */
function exportsOf(
  { text }: Source,
): { readonly name: string; readonly kind: string; readonly told: boolean }[] {
  const lines = text.split("\n");
  return lines.flatMap((line, index) => {
    const [, kind = "", name = ""] =
      /^export (?:declare )?(?:abstract )?(?:async )?(function\*?|class|const|interface|type|enum) (\w+)/
        .exec(line) ?? [];
    if (name === "") return [];
    // A hint to the linter may stand between.
    const before = lines.slice(0, index).findLast((each) => !each.startsWith("// deno-lint-ignore"));
    return [{ name, kind, told: before?.trimEnd().endsWith("*/") ?? false }];
  });
}

Deno.test("the rules see what they are about: long files, long functions, exports with and without comments", () => {
  assert.ok(offenders(library, longerThan(200)).length > 3);
  assert.ok(offenders(library, functionsLongerThan(50)).length > 3);
  assert.ok(library.flatMap(exportsOf).length > 1000);
  const text = "/** Told. */\nexport async function a() {}\n\nexport const b = 1;\n";
  assert.deepEqual(exportsOf({ path: "", text, code: text, imports: [] }), [
    { kind: "function", name: "a", told: true },
    { kind: "const", name: "b", told: false },
  ]);
});

Deno.test("files are named in snake_case, and there are no barrels and no utils", () => {
  const wrong = offenders(all, (file) => {
    return [
      ...(/^[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.ts$/.test(basename(file.path))
        ? []
        : ["its name is not snake_case"]),
      ...(/^(index|mod|utils?|helpers?)$/.test(basename(file.path, ".ts")) ? ["its name says nothing"] : []),
      ...(/\/(utils?|helpers?)\//.test(file.path) ? ["its folder's name says nothing"] : []),
    ];
  });
  assert.deepEqual(wrong, []);
});

Deno.test("what lies at the top of the repository is known: nothing else is needed there", async () => {
  const known = [".ci", ".github", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md"];
  const more = [
    "SECURITY.md",
    "config.example",
    "deno.json",
    "deno.lock",
    "docs",
    "lib",
    "main.ts",
    "release",
    "tests",
  ];
  // What git does not track: its own folder, and what .gitignore names.
  const untracked = [
    ".git",
    ...(await Deno.readTextFile(`${root}.gitignore`)).split("\n").map((line) => line.replaceAll("/", "")),
  ];
  const found = (await Array.fromAsync(Deno.readDir(root))).map(({ name }) => name);
  assert.deepEqual(found.filter((name) => ![...known, ...more, ...untracked].includes(name)), []);
});

Deno.test("no source file has more than 350 lines, and no other one more than 400", () => {
  assert.deepEqual(offenders(library, longerThan(350)), []);
  assert.deepEqual(offenders([...scripts, ...tests], longerThan(400)), []);
});

Deno.test("no function has more than 60 lines", () => {
  assert.deepEqual(offenders([...library, ...scripts], functionsLongerThan(60)), []);
});

Deno.test("whatever is exported has a comment that says what it is", () => {
  const silent = (file: Source) => exportsOf(file).filter(({ told }) => !told).map(({ name }) => name);
  assert.deepEqual(offenders([...library, ...scripts], silent), []);
});

Deno.test("no function, class or value is exported that no other file names", () => {
  const words = new Map(all.map(({ path, code }) => [path, new Set(code.match(/\w+/g))]));
  const isNamed = (name: string, by: string) =>
    [...words].some(([path, names]) => path !== by && names.has(name));
  const unused = (file: Source) =>
    exportsOf(file)
      .filter(({ kind, name }) => !["interface", "type"].includes(kind) && !isNamed(name, file.path))
      .map(({ name }) => name);
  assert.deepEqual(offenders(all, unused), []);
});

Deno.test("every package of deno.json is used", () => {
  const used = new Set(all.flatMap(({ imports }) => imports.map(({ to }) => to)));
  const types = all.flatMap(({ text }) => text.match(/(?<=@ts-types=")[^"]+/g) ?? []);
  const packages = Object.keys(config.imports);
  assert.deepEqual(packages.filter((name) => !used.has(name) && !types.includes(name)), []);
});

Deno.test("no test is switched off, and none runs alone", () => {
  // What a test needs may be missing on a machine (`ignore: await which("x") === undefined`); nothing else excuses it.
  const switched = /\b\w+\.(ignore|only)\s*\(|\b(ignore|only):\s*true\b/g;
  const others = tests.filter(({ path }) => path !== "tests/style_test.ts");
  assert.deepEqual(offenders(others, matchesOf(switched)), []);
});
