import assert from "node:assert/strict";
import { join } from "node:path";
import { exampleDir } from "../../lib/config/folders.ts";
import { newUser } from "./pim.ts";

async function filesBelow(dir: string, prefix = ""): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(join(dir, prefix)));
  const names = entries.map(({ name, isDirectory }) =>
    isDirectory ? filesBelow(dir, join(prefix, name)) : Promise.resolve([join(prefix, name)])
  );
  return (await Promise.all(names)).flat().sort();
}

Deno.test("pim init writes the user's configuration: the whole example, the types and editor settings", async () => {
  await using user = await newUser();
  const { code, stdout, stderr } = await user.pim("init");
  assert.deepEqual([code, stderr], [0, ""]);
  const dir = join(user.path, "config/pim");
  const ours = ["pim.d.ts", "deno.json", "tsconfig.json", ".vscode/settings.json"];
  assert.deepEqual(await filesBelow(dir), [...await filesBelow(exampleDir), ...ours].sort());
  assert.match(stdout, new RegExp(`^\\d+ files written to ${dir}\n\nNext:\n  pim profile list `));
  assert.match(stdout, /\n {2}pim build run developer .*profiles\.d\/developer\.ts has your public key\n$/);
  assert.equal(
    await Deno.readTextFile(join(dir, "profiles.d/default.ts")),
    await Deno.readTextFile(join(exampleDir, "profiles.d/default.ts")),
  );
  assert.equal((await Deno.stat(join(dir, "scripts.d/base.sh"))).mode! & 0o111, 0o111);
});

Deno.test("pim init DIR makes a project, which commands below it use", async () => {
  await using user = await newUser({ "work/deep/er/.keep": "" });
  const { code, stdout } = await user.pim("init", "deep");
  assert.equal(code, 0);
  assert.match(stdout, /\n {2}cd deep && pim profile list /);
  const { stdout: found } = await user.run([...user.argv, "config", "path", "--json"], {
    cwd: join(user.path, "work/deep/er"),
  });
  assert.equal(JSON.parse(found).project, join(user.path, "work/deep"));
  assert.equal((await user.pim("config", "path", "--json")).stdout.includes('"project": null'), true);
  assert.match((await user.pim("init", "my images")).stdout, /\n {2}cd 'my images' && pim profile list /);
});

Deno.test("a second init keeps every edited file; --force renews the types and editor settings only", async () => {
  await using user = await newUser();
  await user.pim("init", "--quiet");
  const edited = ["pim.yml", "profiles.d/default.ts", "scripts.d/base.sh", "pim.d.ts", "deno.json"];
  for (const name of edited) await user.write(`config/pim/${name}`, "// mine\n");
  await Deno.remove(join(user.path, "config/pim/profiles.d/developer.ts"));
  const changed = async () => {
    const texts = edited.map((name) => Deno.readTextFile(join(user.path, "config/pim", name)));
    const all = await Promise.all(texts);
    return edited.filter((_, index) => all[index] !== "// mine\n");
  };

  const second = await user.pim("init");
  assert.match(second.stdout, /^1 files? written to .*, \d+ kept as they were\n/);
  assert.deepEqual(await changed(), []);
  assert.ok((await Deno.stat(join(user.path, "config/pim/profiles.d/developer.ts"))).isFile);

  assert.match(
    (await user.pim("init")).stderr,
    /^pim init --force writes the types and editor settings anew\.\n$/,
  );
  assert.equal((await user.pim("init", "--force")).code, 0);
  assert.deepEqual(await changed(), ["pim.d.ts", "deno.json"]);
});

Deno.test("pim init where a file stands in the way says so in one line", async () => {
  await using user = await newUser({ "work/file": "" });
  const { code, stderr } = await user.pim("init", "file");
  assert.equal(code, 1);
  assert.match(stderr, /^error: Cannot write .*work\/file\/.*: Not a directory[^\n]*\n$/);
});
