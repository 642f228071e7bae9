import assert from "node:assert/strict";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { CancelledError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import { whyNoRuntime } from "../../release/runtime.ts";
import type { Target } from "../../release/targets.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** The files and folders of its own that pim reads when it runs, by the URLs in the sources, from the root. */
async function ownFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) found.push(...await ownFiles(path));
    if (!name.endsWith(".ts")) continue;
    const text = await Deno.readTextFile(path);
    for (const [, , url = ""] of text.matchAll(/new URL\(\s*(["`])(\.[^"`]*)\1,\s*import\.meta\.url\s*\)/g)) {
      // Where a part of the name is chosen, the whole folder is needed.
      const to = url.includes("${") ? dirname(url.slice(0, url.indexOf("${"))) : url;
      found.push(relative(root, fileURLToPath(new URL(to, `file://${path}`))));
    }
  }
  return found;
}

Deno.test("all that pim reads of itself is put into the binary", async () => {
  const own = await ownFiles(join(root, "lib"));
  assert.ok(own.includes("config.example") && own.includes("lib/build/guest/finalize.sh"), own.join());
  // A checkout asks git about its root, which a binary does not.
  const missing = own.filter((path) => path !== "" && !denoConfig.compile.include.includes(path));
  assert.deepEqual(missing, []);
  for (const path of denoConfig.compile.include) assert.ok(await exists(join(root, path)), path);
});

async function compile(args: readonly string[], runtime: string) {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", join(root, "release/compile.ts"), ...args],
    env: { DENORT_BIN: runtime, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
  }).output();
  return { code, stderr: new TextDecoder().decode(stderr) };
}

Deno.test("without Deno's runtime the task says what it lacks and what to do, and begins nothing", async () => {
  const { code, stderr } = await compile([], "/nowhere/denort");
  assert.equal(code, 4);
  assert.match(
    stderr,
    /^error: Cannot compile for \S+: Deno's runtime for it cannot be had: there is no file \/nowhere\/denort/,
  );
  assert.match(stderr, /\nhint: Compile where dl\.deno\.land can be reached, or name a file of your own:\n/);
});

Deno.test("who stops the task while it asks for the runtime does not wait for an answer", async () => {
  // Deno has no runtime of that name in its cache.
  const asked = whyNoRuntime("none" as Target, AbortSignal.abort());
  await assert.rejects(asked, (error) => error instanceof CancelledError);
});

Deno.test("compile refuses what it does not know, and one runtime for all targets", async () => {
  assert.match(
    (await compile(["--al"], "/nowhere")).stderr,
    /^error: deno task compile does not know --al\nhint: /,
  );
  const all = await compile(["--all"], "/nowhere");
  assert.deepEqual([all.code, /^error: DENORT_BIN is the runtime of one target/.test(all.stderr)], [2, true]);
});
