import assert from "node:assert/strict";
import { basename, dirname, join, relative } from "node:path";
import { matchesOf, offenders, readSource, readSources, root } from "./sources.ts";

// Which rooms a room may import from, besides itself, the base and what those rooms may import.
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: [],
  http: [],
  config: [],
  iso: ["config", "http"],
  profile: ["config"],
  installer: ["profile", "iso"],
  serve: ["profile", "installer"],
  qemu: [],
  ssh: [],
  image: ["config"],
  build: ["config", "iso", "profile", "installer", "serve", "qemu", "ssh", "image", "verify"],
  vm: ["qemu", "image", "ssh", "iso", "config"],
  verify: ["vm", "image", "profile", "ssh", "qemu", "config"],
  deploy: ["http", "config", "image", "qemu", "ssh", "vm", "verify"],
  ventoy: ["config", "iso", "profile", "installer", "serve"],
  doctor: ["build", "vm", "deploy"],
  cli: ["build", "vm", "deploy", "ventoy", "doctor"],
  main: ["cli"],
};

const library = [...await readSources("lib"), await readSource("main.ts")];
const tests = [...await readSources("tests"), ...await readSources("release")];

function roomOf(path: string): string {
  if (!path.startsWith("lib/")) return basename(path, ".ts");
  return dirname(path) === "lib" ? "base" : path.split("/")[1] ?? "";
}

function reachable(room: string): Set<string> {
  const direct = mayImport[room] ?? [];
  return new Set(["base", room, ...direct.flatMap((each) => [...reachable(each)])]);
}

Deno.test("the rules see the sources: every room of lib, and their imports", () => {
  const edges = library.flatMap(({ imports }) => imports);
  assert.ok(library.length > 40);
  assert.ok(edges.some(({ lazy }) => lazy) && edges.some(({ typeOnly }) => typeOnly));
  assert.deepEqual(library.find(({ path }) => path === "lib/config/module.ts")?.imports.map(({ to }) => to), [
    "node:url",
    "node:util",
    "../errors.ts",
    "../files.ts",
    "../process.ts",
  ]);
});

Deno.test("rooms import only from the rooms that the design allows", () => {
  const wrong = offenders(library, (file) => {
    const allowed = reachable(roomOf(file.path));
    if (mayImport[roomOf(file.path)] === undefined) return ["a room that the design does not know"];
    return file.imports
      .filter(({ to }) => to.startsWith("."))
      .map(({ to }) => relative(root, join(root, dirname(file.path), to)))
      .filter((target) => target.startsWith("lib/") && !allowed.has(roomOf(target)));
  });
  assert.deepEqual(wrong, []);
});

Deno.test("the table of rooms in docs/ARCHITECTURE.md says what holds here", async () => {
  const text = await Deno.readTextFile(join(root, "docs/ARCHITECTURE.md"));
  const rows = [...text.matchAll(/^\| (?:lib\/)?(\w+)(?:\.ts| \(lib\/\*\.ts\))? +\|.*\| ([a-z, ]+?) +\|$/gm)];
  const table = rows.filter(([, room]) => room !== "room").map(([, room = "", list = ""]) =>
    [room, ["base", "nothing"].includes(list) ? [] : list.split(", ").sort()] as const
  );
  const wanted = Object.entries(mayImport).map(([room, list]) => [room, [...list].sort()] as const);
  assert.deepEqual(Object.fromEntries(table), Object.fromEntries(wanted));
});

Deno.test("nothing in lib imports what lies beside it", () => {
  const wrong = offenders(library, (file) =>
    file.imports.filter(({ to }) => to.startsWith("."))
      .map(({ to }) => relative(root, join(root, dirname(file.path), to)))
      .filter((target) => !target.startsWith("lib/") && target !== "deno.json"));
  assert.deepEqual(wrong, []);
});

Deno.test("rooms do not depend on each other in a circle", () => {
  for (const room of Object.keys(mayImport)) {
    const below = (mayImport[room] ?? []).flatMap((each) => [...reachable(each)]);
    assert.ok(!below.includes(room), room);
  }
});

Deno.test("only lib/process.ts starts programs", () => {
  const starters = library.filter(({ code }) => /\bDeno\s*\.\s*Command\b|node:child_process/.test(code));
  assert.deepEqual(starters.map(({ path }) => path), ["lib/process.ts"]);
});

Deno.test("requests go by one door each: lib/http/get.ts for downloads, lib/http/request.ts for APIs", () => {
  const files = (pattern: RegExp) => library.filter(({ code }) => pattern.test(code)).map(({ path }) => path);
  assert.deepEqual(files(/(?<![\w.])fetch\(/), ["lib/http/get.ts"]);
  assert.deepEqual(files(/import\("node:https?"\)\)\.request\(/), ["lib/http/request.ts"]);
});

Deno.test("only main.ts reads the arguments and ends the process, and nobody uses the console", () => {
  const inLib = library.filter(({ path }) => path !== "main.ts");
  assert.deepEqual(offenders(inLib, matchesOf(/\bDeno\.(exit|args|exitCode)\b|\bprocess\.exit\b/g)), []);
  // A slash before it: the path of a module of that name.
  assert.deepEqual(offenders(library, matchesOf(/(?<!\/)\bconsole\s*\.\s*\w+/g)), []);
});

Deno.test("packages come by their names in the import map, never from JSR or by a URL", () => {
  const wrong = offenders(
    [...library, ...tests],
    (file) => file.imports.map(({ to }) => to).filter((to) => /^(jsr|npm|https?|file):/.test(to)),
  );
  assert.deepEqual(wrong, []);
});

Deno.test("what a command does is loaded only when the command runs", () => {
  const wrong = offenders(
    library,
    (file) =>
      file.imports.filter(({ to, lazy, typeOnly }) => to.endsWith("_impl.ts") && !lazy && !typeOnly)
        .map(({ to }) => `${to} is imported at once`),
  );
  assert.deepEqual(wrong, []);
});

Deno.test("the heavy packages are imported only where they are used", () => {
  const heavy = [
    "ssh2",
    "eta",
    "unixcrypt",
    "log-update",
    "pretty-bytes",
    "pretty-ms",
    "@aws-sdk/client-s3",
    "@aws-sdk/client-ec2",
  ];
  const wrong = offenders(
    library,
    (file) =>
      file.imports.filter(({ to, lazy, typeOnly }) => heavy.includes(to) && !lazy && !typeOnly)
        .map(({ to }) => `${to} is imported at once`),
  );
  assert.deepEqual(wrong, []);
});

interface ModuleInfo {
  readonly specifier: string;
  readonly dependencies?: readonly {
    readonly isDynamic?: boolean;
    readonly code?: { readonly specifier: string };
  }[];
}

/** The npm packages that a module brings in at once, by the runtime's own module graph. */
async function packagesOf(path: string): Promise<string[]> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", path],
    cwd: root,
    // Another test may look at what goes over a proxy of this process just now.
    env: { DENO_NO_UPDATE_CHECK: "1" },
  })
    .output();
  const modules: readonly ModuleInfo[] = JSON.parse(new TextDecoder().decode(stdout)).modules;
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    if (seen.has(specifier)) return;
    seen.add(specifier);
    for (const each of modules.find((module) => module.specifier === specifier)?.dependencies ?? []) {
      if (each.isDynamic !== true && each.code !== undefined) visit(each.code.specifier);
    }
  };
  visit(new URL(path, new URL("../", import.meta.url)).href);
  assert.ok(seen.size > 3, "the graph was not understood");
  const names = [...seen].map((each) => /^npm:\/?((?:@[^/]+\/)?[^@/]+)/.exec(each)?.[1] ?? "");
  return [...new Set(names)].filter((name) => name !== "").sort();
}

Deno.test("pim loads no package but the one that reads the command line before a command runs", async () => {
  assert.deepEqual(await packagesOf("main.ts"), []);
  assert.deepEqual(await packagesOf("lib/cli/command_line.ts"), ["@stricli/core"]);
});

Deno.test("a Tab loads no package before it is known which names are asked for", async () => {
  assert.deepEqual(await packagesOf("lib/cli/complete/complete_impl.ts"), ["@stricli/core"]);
});

Deno.test("pim ps and pim stop load nothing heavier than the schemas, and no settings", async () => {
  for (const path of ["lib/cli/vm/list_impl.ts", "lib/cli/vm/control_impl.ts"]) {
    assert.deepEqual(await packagesOf(path), ["fastest-levenshtein", "valibot"], path);
  }
});

Deno.test("pim profile list loads nothing heavier than the schemas", async () => {
  const allowed = ["@stricli/core", "deepmerge-ts", "fastest-levenshtein", "js-yaml", "valibot"];
  const loaded = await packagesOf("lib/cli/profile_impl.ts");
  assert.deepEqual(loaded.filter((name) => !allowed.includes(name)), []);
});
