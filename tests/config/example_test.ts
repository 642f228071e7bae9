import assert from "node:assert/strict";
import { join } from "node:path";
import { loadConfig } from "../../lib/config/config.ts";
import { type ConfigFolder, exampleDir } from "../../lib/config/folders.ts";
import { get, leaves, type Tree } from "../../lib/config/merge.ts";
import { builtInSettings, settingKeys } from "../../lib/config/settings.ts";
import { parseYaml } from "../../lib/config/yaml.ts";
import { loadCatalog } from "../../lib/iso/catalog/catalog.ts";
import { userPaths } from "../../lib/paths.ts";
import { listProfiles, loadProfile } from "../../lib/profile/load.ts";
import { profileSchema } from "../../lib/profile/schema.ts";
import { tempDir } from "../base/temp.ts";

const folders: ConfigFolder[] = [{ kind: "user", path: exampleDir }];

/** pim.yml of the example with the mark before each commented key taken away. */
async function uncommentedSettings(): Promise<string> {
  const text = await Deno.readTextFile(join(exampleDir, "pim.yml"));
  return text.replace(/^# (?=\s*[a-z_]+:)/gm, "");
}

Deno.test("pim.yml of the example changes nothing as it is: every key is commented", async () => {
  assert.deepEqual(parseYaml(await Deno.readTextFile(join(exampleDir, "pim.yml")), "pim.yml").value, {});
});

Deno.test("pim.yml of the example names every setting, and they are right when they are uncommented", async () => {
  const text = await uncommentedSettings();
  const named = parseYaml(text, "pim.yml").value;
  assert.deepEqual(settingKeys().filter((path) => get(named, path) === undefined), []);
  await using dir = await tempDir({ "pim.yml": text });
  const env = { get: (name: string) => name === "HOME" ? join(dir.path, "home") : undefined };
  const { sources } = await loadConfig({ cwd: dir.path, env });
  assert.deepEqual([...new Set(sources.values())], [join(dir.path, "pim.yml")]);
});

Deno.test("pim.yml of the example shows each built-in value as it is", async () => {
  const shown = parseYaml((await uncommentedSettings()).replaceAll("~", "/home/me"), "pim.yml").value;
  const builtIn =
    builtInSettings(userPaths({ get: (name) => name === "HOME" ? "/home/me" : undefined })).value;
  for (const path of leaves(builtIn as Tree)) {
    if (path.join(".") !== "ventoy") assert.deepEqual(get(shown, path), get(builtIn, path), path.join("."));
  }
});

Deno.test("the example's profiles are right", async () => {
  const names = await listProfiles(folders);
  assert.ok(names.includes("default") && names.length > 1);
  for (const name of names) await loadProfile(folders, name);
});

Deno.test("the example's default.ts names every field of a profile, commented or not", async () => {
  const text = await Deno.readTextFile(join(exampleDir, "profiles.d/default.ts"));
  const named = new Set([...text.matchAll(/^\s*(?:\/\/ )?([A-Za-z]+):/gm)].map(([, field]) => field));
  const nested = ["partitioning", "build"] as const;
  const fields = [
    ...Object.keys(profileSchema.entries),
    ...nested.flatMap((field) => Object.keys(profileSchema.entries[field].wrapped.entries)),
  ];
  assert.deepEqual(fields.filter((field) => !named.has(field)), []);
});

Deno.test("the example's ISO catalog is right and has Debian 12 and 13 and Ubuntu 24.04 for both architectures", async () => {
  const entries = await loadCatalog(folders);
  for (const key of ["debian-12-*-netinst", "debian-13-*-netinst", "ubuntu-24.04-*-live-server"]) {
    for (const architecture of ["amd64", "arm64"]) {
      const entry = entries.find((each) => each.key === key.replace("*", architecture));
      assert.equal(entry?.architecture, architecture, key);
      assert.ok(entry?.checksumUrl ?? entry?.checksum, key);
    }
  }
});
