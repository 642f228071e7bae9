import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { newUser } from "./pim.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What a pim loads while it runs with these arguments: its own modules by their paths, and packages by their names. */
async function loaded(...args: string[]): Promise<{ modules: string[]; packages: string[] }> {
  await using user = await newUser();
  const folder = join(user.path, "coverage");
  // The engine notes each script that runs, so that this sees what no import statement shows.
  const [deno = "", ...rest] = user.argv;
  const argv = [deno, ...rest.slice(0, -1), `--coverage=${folder}`, ...rest.slice(-1), ...args];
  const { code, stderr } = await user.run(argv);
  assert.deepEqual([code, stderr], [0, ""]);
  const found = { modules: new Set<string>(), packages: new Set<string>() };
  for await (const { name } of Deno.readDir(folder)) {
    const { url } = JSON.parse(await Deno.readTextFile(join(folder, name)));
    const inPackage = /\/npm\/[^/]+\/((?:@[^/]+\/)?[^/]+)\//.exec(url)?.[1];
    if (inPackage !== undefined) found.packages.add(inPackage);
    else if (url.startsWith("file:")) found.modules.add(relative(root, fileURLToPath(url)));
  }
  return { modules: [...found.modules].sort(), packages: [...found.packages].sort() };
}

/** What belongs to other rooms than the command line and the base. */
const ofOtherRooms = (modules: readonly string[]) =>
  modules.filter((path) => !/^(main\.ts|lib\/([^/]+|cli\/.+)\.ts)$/.test(path));

Deno.test("pim --version loads no command at all", async () => {
  for (const flag of ["--version", "-v"]) {
    const { modules, packages } = await loaded(flag);
    assert.ok(modules.includes("main.ts") && modules.includes("lib/version.ts"), modules.join("\n"));
    assert.ok(modules.length < 10, modules.join("\n"));
    assert.deepEqual(ofOtherRooms(modules), []);
    assert.ok(!modules.includes("lib/cli/app.ts"));
    assert.deepEqual(packages, []);
  }
});

for (const args of [["--help"], ["iso", "download", "--help"]]) {
  Deno.test(`pim ${args.join(" ")} loads nothing but the command line`, async () => {
    const { modules, packages } = await loaded(...args);
    assert.ok(modules.includes("lib/cli/app.ts"), modules.join("\n"));
    assert.deepEqual([ofOtherRooms(modules), packages], [[], ["@stricli/core"]]);
  });
}

Deno.test("pim version loads nothing heavier", async () => {
  const { modules, packages } = await loaded("version");
  assert.ok(modules.includes("lib/cli/version_impl.ts"));
  assert.deepEqual(modules.filter((path) => path.endsWith("_impl.ts")), ["lib/cli/version_impl.ts"]);
  assert.deepEqual(packages, ["@stricli/core"]);
});
