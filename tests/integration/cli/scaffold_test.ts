import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../../../deno.json" with { type: "json" };
import { newUser, type Outcome, type User } from "../../cli/pim.ts";

// Neither may fetch anything, nor look outside the scaffold: what `pim init` writes is all there is.
function denoCheck(user: User, dir: string): Promise<Outcome> {
  const command = `exec "$0" check --no-remote --no-npm profiles.d/*.ts`;
  return user.run(["sh", "-c", command, Deno.execPath()], { cwd: dir, env: { NO_COLOR: "1" } });
}

function tsc(user: User, dir: string): Promise<Outcome> {
  const compiler = `${denoConfig.imports.typescript}/tsc`;
  // From our own folder, whose lock file pins the compiler; the scaffold is named with -p.
  const root = dirname(fileURLToPath(import.meta.resolve("../../../deno.json")));
  const argv = [Deno.execPath(), "run", "-A", "--quiet", compiler, "--noEmit", "-p", dir];
  return user.run(argv, { cwd: root });
}

async function scaffold(): Promise<{ user: User; dir: string }> {
  const user = await newUser();
  assert.equal((await user.pim("init", "project")).code, 0);
  return { user, dir: join(user.path, "work/project") };
}

Deno.test("a fresh scaffold passes deno check and tsc, with nothing but the files that were written", async () => {
  const { user, dir } = await scaffold();
  await using _user = user;
  const [checked, compiled] = await Promise.all([denoCheck(user, dir), tsc(user, dir)]);
  assert.equal(checked.code, 0, checked.stderr);
  assert.deepEqual([compiled.code, compiled.stdout], [0, ""], compiled.stderr);
});

Deno.test("a misspelt field, a wrong type and a profile that imports another are judged by both", async () => {
  const { user, dir } = await scaffold();
  await using _user = user;
  const profile = (fields: string) =>
    `import type { Profile } from "pim";\nimport base from "./developer.ts";\nexport default { ...base, ${fields} } satisfies Profile;\n`;
  await user.write("work/project/profiles.d/right.ts", profile('extends: "developer", build: { cpus: 4 }'));
  await user.write("work/project/profiles.d/misspelt.ts", profile('usrname: "x"'));
  await user.write("work/project/profiles.d/wrong.ts", profile('build: { memoryMiB: "2G" }'));
  for (const { code, stdout, stderr } of await Promise.all([denoCheck(user, dir), tsc(user, dir)])) {
    const said = (stdout + stderr).replace(/^Check .*\n/gm, "");
    assert.notEqual(code, 0);
    assert.match(said, /misspelt\.ts/);
    assert.match(said, /'usrname' does not exist in type 'Profile'. Did you mean to write 'username'/);
    assert.match(said, /wrong\.ts/);
    assert.match(said, /Type 'string' is not assignable to type 'number'/);
    assert.doesNotMatch(said, /right\.ts|developer\.ts|default\.ts/);
  }
});
