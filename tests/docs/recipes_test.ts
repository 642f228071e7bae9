import assert from "node:assert/strict";
import { join } from "node:path";
import type { ConfigFolder } from "../../lib/config/folders.ts";
import { provisioningScripts } from "../../lib/profile/files.ts";
import { listProfiles, loadProfile } from "../../lib/profile/load.ts";
import { renderAnswers } from "../../lib/serve/answers.ts";
import { newUser } from "../cli/pim.ts";
import { finder, source } from "../serve/sources.ts";
import { root } from "../sources.ts";

const recipes = join(root, "docs/recipes");
const folders: ConfigFolder[] = [{ kind: "project", path: recipes }];
// The recipes are Debian's: no user-data is asked for.
const paths = ["/preseed.cfg", "/install.sh"] as const;
const names = await listProfiles(folders);

Deno.test("pim profile check finds nothing wrong in the recipes", async () => {
  await using user = await newUser();
  const { code, stdout } = await user.pim("--project", recipes, "profile", "check");
  assert.equal(code, 0, stdout);
  assert.deepEqual(stdout.trim().split("\n"), names.map((name) => `ok    ${name}`));
});

for (const name of names) {
  Deno.test(`the recipe ${name} makes answer files for Debian with its packages and its user`, async () => {
    const { value } = await loadProfile(folders, name);
    const answers = await renderAnswers({ ...source(name, value), find: finder(name, recipes), paths });
    const preseed = answers.get("/preseed.cfg")?.body ?? "";
    const included = /pkgsel\/include string (.*)/.exec(preseed)?.[1]?.split(" ") ?? [];
    assert.deepEqual((value.packages ?? []).filter((each) => !included.includes(each)), []);
    assert.match(preseed, new RegExp(`passwd/username string ${value.username}\n`));
    assert.match(answers.get("/install.sh")?.body ?? "", /^#!\/bin\/sh\n/);
  });

  Deno.test(`the scripts of the recipe ${name} are there, and use only variables that it has`, async () => {
    const { value } = await loadProfile(folders, name);
    const scripts = (await provisioningScripts(folders, name, value.scripts ?? [])).map(({ path }) => path);
    if (name !== "debian") {
      assert.ok(scripts.includes(join(recipes, "scripts.d", `${name}.sh`)));
      scripts.push(join(recipes, "verifications.d", `${name}.sh`));
    }
    const known = Object.keys(value.vars ?? {}).map((each) => `PIM_VAR_${each.toUpperCase()}`);
    for (const script of scripts) {
      const used = (await Deno.readTextFile(script)).match(/\bPIM_VAR_\w+/g) ?? [];
      assert.deepEqual(used.filter((each) => !known.includes(each)), [], script);
    }
  });
}
