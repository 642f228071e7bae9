import assert from "node:assert/strict";
import { join } from "node:path";
import type { ConfigFolder } from "../../lib/config/folders.ts";
import { UsageError } from "../../lib/errors.ts";
import { listProfiles, type LoadedProfile, loadProfile } from "../../lib/profile/load.ts";
import { tempDir } from "../base/temp.ts";

const folders = (dir: string): ConfigFolder[] => [
  { kind: "project", path: join(dir, "project") },
  { kind: "user", path: join(dir, "user") },
  { kind: "built-in", path: join(dir, "built-in") },
];

function load(dir: string, name: string): Promise<LoadedProfile> {
  return loadProfile(folders(dir), name);
}

/** The error of a profile module with this text. */
async function errorOf(text: string, file = "web.ts"): Promise<UsageError & { text: string }> {
  await using dir = await tempDir({ [`user/profiles.d/${file}`]: text });
  const error = await load(dir.path, "web").then(() => assert.fail("it loaded"), (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return Object.assign(error, { text: error.message.replaceAll(`${dir.path}/user/profiles.d/`, "") });
}

Deno.test("a profile lies over default.ts, and each value knows its file", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts":
      'export default { username: "pim", packages: ["a"], build: { cpus: 2, memoryMiB: 1024 } };',
    "user/profiles.d/web.ts": `import type { Profile } from "pim";
export default { packages: ["nginx"], build: { cpus: 4 } } satisfies Profile;`,
  });
  const { value, sources, files } = await load(dir.path, "web");
  const [base, web] = ["default", "web"].map((name) => join(dir.path, `user/profiles.d/${name}.ts`));
  assert.deepEqual(value, { username: "pim", packages: ["nginx"], build: { cpus: 4, memoryMiB: 1024 } });
  assert.deepEqual(files, [base, web]);
  assert.deepEqual(Object.fromEntries(sources), {
    "username": base,
    "packages": web,
    "build.cpus": web,
    "build.memoryMiB": base,
  });
});

Deno.test("extends makes a chain that ends in default", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts": 'export default { locale: "C", keyboard: "us", timezone: "UTC" };',
    "user/profiles.d/base.ts": 'export default { locale: "de_DE.UTF-8", keyboard: "de" };',
    "user/profiles.d/web.js": 'export default { extends: "base", keyboard: "fr", vars: { a: { b: 1 } } };',
    "user/profiles.d/shop.mts": 'export default { extends: "web", vars: { a: { c: 2 } } };',
  });
  const { value, files } = await load(dir.path, "shop");
  assert.deepEqual(value, {
    extends: "web",
    locale: "de_DE.UTF-8",
    keyboard: "fr",
    timezone: "UTC",
    vars: { a: { b: 1, c: 2 } },
  });
  assert.deepEqual(files.map((file) => file.split("/").at(-1)), [
    "default.ts",
    "base.ts",
    "web.js",
    "shop.mts",
  ]);
});

Deno.test("default may itself extend a profile", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts": 'export default { extends: "base", keyboard: "us" };',
    "user/profiles.d/base.ts": 'export default { locale: "C", keyboard: "de" };',
    "user/profiles.d/web.ts": "export default {};",
  });
  assert.deepEqual((await load(dir.path, "web")).value, { locale: "C", keyboard: "us" });
  assert.deepEqual((await load(dir.path, "default")).value.keyboard, "us");
});

Deno.test("a description speaks of its own profile only", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts": 'export default { description: "what all share" };',
    "user/profiles.d/web.ts": "export default {};",
  });
  assert.equal((await load(dir.path, "web")).value.description, undefined);
  assert.equal((await load(dir.path, "default")).value.description, "what all share");
});

Deno.test("profiles that extend each other in a circle, or what is not there, are errors", async () => {
  await using dir = await tempDir({
    "user/profiles.d/a.ts": 'export default { extends: "b" };',
    "user/profiles.d/b.ts": 'export default { extends: "c" };',
    "user/profiles.d/c.ts": 'export default { extends: "b" };',
    "user/profiles.d/d.ts": 'export default { extends: "aa" };',
    "user/profiles.d/e.ts": "export default { extends: 5 };",
  });
  await assert.rejects(load(dir.path, "a"), {
    message: "Profiles extend each other in a circle: a -> b -> c -> b",
  });
  await assert.rejects(load(dir.path, "d"), {
    message: "There is no profile aa (which d extends)",
    hint: "Did you mean a?",
  });
  await assert.rejects(load(dir.path, "e"), { message: /e\.ts: extends must be the name of a profile$/ });
});

Deno.test("profiles import each other by relative path, and compute what they like", async () => {
  await using dir = await tempDir({
    "user/profiles.d/web.ts": `import type { Profile } from "pim";
import { packages } from "../shared/packages.ts";
import base from "./base.js";
export default { ...base, packages: [...packages, ...["b", "c"].map((each) => \`lib\${each}\`)] } satisfies Profile;`,
    "user/profiles.d/base.js": 'export default { username: "op" };',
    "user/shared/packages.ts": 'export const packages: string[] = ["git"];',
  });
  assert.deepEqual((await load(dir.path, "web")).value, {
    username: "op",
    packages: ["git", "libb", "libc"],
  });
});

Deno.test("the project's module shadows the user's of the same name, default too", async () => {
  await using dir = await tempDir({
    "project/profiles.d/web.js": 'export default { username: "project" };',
    "user/profiles.d/web.ts": 'export default { username: "user", fullname: "User" };',
    "user/profiles.d/default.ts": 'export default { locale: "C" };',
    "user/profiles.d/db.ts": "export default {};",
    "user/profiles.d/types.d.ts": "",
    "built-in/profiles.d/example.ts": "export default {};",
  });
  assert.deepEqual((await load(dir.path, "web")).value, { username: "project", locale: "C" });
  assert.deepEqual(await listProfiles(folders(dir.path)), ["db", "default", "web"]);
  await dir.write("project/profiles.d/default.ts", 'export default { keyboard: "de" };');
  assert.deepEqual((await load(dir.path, "db")).value, { keyboard: "de" });
});

Deno.test("an error thrown in a module is told with its file and line", async () => {
  assert.match(
    (await errorOf('\nthrow new Error("boom");')).text,
    /^Cannot load web\.ts: boom \(web\.ts:2:7\)$/,
  );
  assert.equal((await errorOf('throw "text";')).text, "Cannot load web.ts: text");
  const error = await errorOf("const none: any = undefined;\nexport default none.packages;");
  assert.match(error.text, /reading 'packages'\) \(web\.ts:2:21\)$/);
});

Deno.test("a syntax error and a missing import are told with file and place, without colours", async () => {
  assert.match(
    (await errorOf("export default {")).text,
    /^Cannot load web\.ts: .*Unexpected[\s\S]*web\.ts:1:17/,
  );
  const missing = await errorOf('import x from "./none.ts";\nexport default x;');
  assert.match(missing.text, /^Cannot load web\.ts: Module not found "none\.ts"\.\s+at web\.ts:1:15/);
  assert.match(missing.hint ?? "", /deno check .*web\.ts$/);
});

Deno.test("a module without a default export, or with one that is no object, is an error", async () => {
  const error = await errorOf("export const profile = {};");
  assert.equal(error.text, "web.ts has no default export");
  assert.match(error.hint ?? "", /export default/);
  for (const value of ["5", "null", "[1]", "() => ({})", "new Date()"]) {
    const { text } = await errorOf(`export default ${value};`);
    assert.equal(text, "web.ts: the default export must be a profile object");
  }
});

Deno.test("every wrong field is reported at once, with its file and the field that was meant", async () => {
  const { text } = await errorOf(`export default {
  user: "x", username: "Bad Name", packages: ["a b", 3], rootLogin: "yes", hostname: "a.b", iso: 3,
  build: { cpu: 2, memoryMiB: "2G", diskSize: "big", firmware: "efi" }, partitioning: { metod: "lvm" }, answers: 3,
};`);
  assert.deepEqual(text.split("\n").map((line) => line.replace(/^web\.ts: /, "")).sort(), [
    "answers must be a list of preseed lines or a map for autoinstall, not 3",
    "build.cpu is not known here. Did you mean cpus?",
    'build.diskSize must be a size such as "20G", not "big"',
    'build.firmware must be "bios" or "uefi", not "efi"',
    'build.memoryMiB must be a number, not "2G"',
    'hostname must be one host name label: letters, digits and dashes, not "a.b"',
    "iso must be text, not 3",
    'packages.0 must be a word without spaces, not "a b"',
    "packages.1 must be text, not 3",
    "partitioning.metod is not known here. Did you mean method?",
    'rootLogin must be true or false, not "yes"',
    "user is not known here. Did you mean username?",
    'username must be a login name: small letters, digits, - and _, not "Bad Name"',
  ]);
});

Deno.test("a wrong value that comes from default.ts is told with default.ts", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts": 'export default { locale: "two words" };',
    "user/profiles.d/web.ts": "export default { fullname: 5 };",
  });
  await assert.rejects(load(dir.path, "web"), (error: Error) => {
    assert.match(error.message, /default\.ts: locale must be/);
    assert.match(error.message, /web\.ts: fullname must be/);
    return true;
  });
});

Deno.test("a password of the nearer file replaces a hash from further down, and the other way round", async () => {
  await using dir = await tempDir({
    "user/profiles.d/default.ts": 'export default { password: "secret" };',
    "user/profiles.d/a.ts": 'export default { passwordHash: "$6$salt$hash" };',
    "user/profiles.d/b.ts": 'export default { extends: "a", password: "other" };',
  });
  const a = await load(dir.path, "a");
  assert.equal(a.value.password, undefined);
  assert.equal(a.value.passwordHash, "$6$salt$hash");
  assert.equal(a.sources.has("password"), false);
  const b = await load(dir.path, "b");
  assert.deepEqual([b.value.password, b.value.passwordHash], ["other", undefined]);
});

Deno.test("an unknown profile finds its neighbour; a name with a path in it is refused", async () => {
  await using dir = await tempDir({ "user/profiles.d/developer.ts": "export default {};" });
  await assert.rejects(load(dir.path, "develper"), { hint: "Did you mean developer?" });
  await assert.rejects(load(dir.path, "../developer"), UsageError);
  await using empty = await tempDir();
  await assert.rejects(load(empty.path, "web"), { hint: "Make a first configuration with: pim init" });
  await assert.rejects(load(empty.path, "default"), { message: "There is no profile default" });
});
