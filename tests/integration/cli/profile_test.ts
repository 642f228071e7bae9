import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser } from "../../cli/pim.ts";

const profiles = {
  "config/pim/profiles.d/default.ts":
    'export default { description: "shared", username: "op", password: "hush-hush", packages: ["a"], ' +
    'vars: { diskPassphrase: "hush-hush", sudoWithoutPassword: true } };',
  "config/pim/profiles.d/web.ts":
    'import type { Profile } from "pim";\nexport default { description: "Web server", iso: "debian-13-{arch}-netinst", packages: ["nginx"] } satisfies Profile;',
};

Deno.test("pim profile list prints the names, with -l a table, with --json data", async () => {
  await using user = await newUser(profiles);
  assert.deepEqual(await user.pim("profile", "list"), { code: 0, stdout: "default\nweb\n", stderr: "" });
  const long = (await user.pim("profile", "list", "-l")).stdout.trimEnd().split("\n");
  assert.deepEqual(long.map((line) => line.split(/ {2,}/)), [
    ["PROFILE", "ISO", "USER", "DESCRIPTION"],
    ["default", "-", "op", "shared"],
    ["web", "debian-13-{arch}-netinst", "op", "Web server"],
  ]);
  const json = JSON.parse((await user.pim("profile", "list", "--json")).stdout);
  assert.deepEqual(json[1], {
    name: "web",
    description: "Web server",
    iso: "debian-13-{arch}-netinst",
    files: ["default", "web"].map((name) => join(user.path, `config/pim/profiles.d/${name}.ts`)),
  });
});

Deno.test("pim profile show prints the merged values with their files, and never a password", async () => {
  await using user = await newUser(profiles);
  const dir = join(user.path, "config/pim/profiles.d");
  const { code, stdout } = await user.pim("profile", "show", "web");
  assert.equal(code, 0);
  const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows.find(([field]) => field === "packages"), [
    "packages",
    '["nginx"]',
    join(dir, "web.ts"),
  ]);
  assert.deepEqual(rows.find(([field]) => field === "password"), [
    "password",
    '"***"',
    join(dir, "default.ts"),
  ]);
  assert.match(stdout, /^vars\.sudoWithoutPassword +true /m);
  const { stdout: json, stderr } = await user.pim("profile", "show", "web", "--json", "--debug");
  assert.equal(JSON.parse(json).profile.username, "op");
  assert.equal(JSON.parse(json).sources.username, join(dir, "default.ts"));
  for (const text of [stdout, json, stderr]) assert.doesNotMatch(text, /hush-hush/);
});

Deno.test("pim profile check tells right from wrong, all of them at once, and exits with 2", async () => {
  await using user = await newUser({
    ...profiles,
    "config/pim/profiles.d/bad.ts": 'export default { hostnam: "x", packages: "git" };',
    "config/pim/profiles.d/thrown.ts": 'throw new Error("boom");',
  });
  const { code, stdout, stderr } = await user.pim("profile", "check");
  assert.equal(code, 2);
  assert.match(stdout, /^wrong bad\n.*bad\.ts: packages must be a list, not "git"\n.*hostnam is not known/);
  assert.match(stdout, /\nok {4}default\nwrong thrown\nCannot load .*thrown\.ts: boom \(.*:1:7\)\n/);
  assert.match(
    stderr,
    /^error: 2 of 4 profiles are wrong: bad, thrown\nhint: .*pim profile check bad thrown\n$/,
  );
  const long = (await user.pim("profile", "list", "-l")).stdout;
  assert.match(long, /^bad .* is wrong; see: pim profile check bad$/m);
  assert.match(long, /^web /m);
  assert.deepEqual(await user.pim("profile", "check", "web"), { code: 0, stdout: "ok    web\n", stderr: "" });
  const json = JSON.parse((await user.pim("profile", "check", "--json")).stdout);
  assert.deepEqual(json.map(({ ok }: { ok: boolean }) => ok), [false, true, false, true]);
  assert.match((await user.pim("profile", "check", "wbe")).stdout, /\nhint: Did you mean web\?\n$/);
});

Deno.test("pim profile check looks for the scripts and the ISO that a profile names", async () => {
  await using user = await newUser({
    ...profiles,
    "config/pim/isos.d/own.yml": "own-13:\n  url: /own.iso\n  architecture: amd64\n",
    "config/pim/scripts.d/motd.sh": "#!/bin/sh\n",
    "config/pim/profiles.d/script.ts": 'export default { scripts: ["mtod"] };\n',
    "config/pim/profiles.d/iso.ts": 'export default { iso: "own-14", architectures: ["amd64"] };\n',
  });
  const said = async (name: string) => (await user.pim("profile", "check", name)).stdout;
  assert.match(await said("script"), /^wrong script\n.*no scripts\.d\/mtod\.sh\nhint: Did you mean motd\? /);
  assert.match(await said("iso"), /^wrong iso\n.*own-14.*\nhint: Did you mean own-13\?/);
});

Deno.test("pim profile new writes a module that checks, and never overwrites one", async () => {
  await using user = await newUser(profiles);
  const { code, stdout } = await user.pim("profile", "new", "shop", "--extends", "web");
  const file = join(user.path, "config/pim/profiles.d/shop.ts");
  assert.deepEqual([code, stdout], [0, `${file}\n`]);
  assert.match(await Deno.readTextFile(file), /^import type \{ Profile \} from "pim";[\s\S]*extends: "web"/);
  assert.equal((await user.pim("profile", "check", "shop")).stdout, "ok    shop\n");
  // Not every name of a profile can be one of a host.
  assert.equal((await user.pim("profile", "new", "Shop_2.lab", "--extends", "web")).code, 0);
  assert.equal((await user.pim("profile", "check", "Shop_2.lab")).stdout, "ok    Shop_2.lab\n");

  const again = await user.pim("profile", "new", "shop");
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^error: .*shop\.ts is already there\nhint: .*pim profile show shop\n$/);
  for (const args of [["x", "--extends", "wbe"], ["../x"], ["two words"], []]) {
    assert.equal((await user.pim("profile", "new", ...args)).code, 2);
  }
});

Deno.test("a new profile names an ISO where what it extends names none", async () => {
  await using user = await newUser({
    ...profiles,
    "config/pim/isos.d/own.yml": "own-13-amd64:\n  url: /own.iso\n  architecture: amd64\n",
    "config/pim/profiles.d/server.ts": 'export default { iso: "own-{arch}" };\n',
  });
  const written = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await user.pim("profile", "new", ...args);
    return code === 0 ? await Deno.readTextFile(stdout.trim()) : stderr;
  };
  assert.match(await written("plain"), /iso: "debian-13-\{arch\}-netinst"/);
  assert.doesNotMatch(await written("derived", "--extends", "server"), /iso/);
  assert.match(await written("chosen", "--iso", "own-13-amd64"), /iso: "own-13-amd64"/);
  assert.match(await written("wrong", "--iso", "own-14-amd64"), /Did you mean own-13-amd64\?/);
});

Deno.test("in a project a new profile goes to the project", async () => {
  await using user = await newUser({ ...profiles, "work/pim.yml": "" });
  const { stdout } = await user.pim("profile", "new", "shop");
  assert.equal(stdout, `${join(user.path, "work/profiles.d/shop.ts")}\n`);
  assert.equal((await user.pim("profile", "list")).stdout, "default\nshop\nweb\n");
});

Deno.test("pim profile import turns YAML of the earlier pim into modules that check", async () => {
  await using user = await newUser({
    "work/old.yml":
      "default:\n  username: ansible\n  mirror_host: mirror.example.org\ndev:\n  packages: git vim\n  motd: hello\n",
  });
  const { code, stdout, stderr } = await user.pim("profile", "import", "old.yml");
  assert.equal(code, 0);
  assert.deepEqual(stdout.trim().split("\n").map((line) => line.split("/").at(-1)), ["default.ts", "dev.ts"]);
  assert.match(stderr, /^note: dev: motd is not a field .*it\.vars\.motd\n$/);
  assert.equal((await user.pim("profile", "check")).code, 0);
  const shown = JSON.parse((await user.pim("profile", "show", "dev", "--json")).stdout).profile;
  assert.deepEqual(shown.packages, ["git", "vim"]);
  assert.deepEqual(shown.vars, { motd: "hello" });
  assert.equal(shown.mirrorHost, "mirror.example.org");

  assert.equal((await user.pim("profile", "import", "old.yml", "--force")).code, 0);
  assert.equal((await user.pim("profile", "import", "none.yml")).code, 2);
});

Deno.test("a file of profiles is imported whole or not at all, and in a project never over the user's own", async () => {
  const mine = "export default { username: 'me' };\n";
  await using user = await newUser({
    "work/old.yml": "web:\n  packages: git\ndev:\n  packages: vim\n",
    "work/pim.yml": "",
    "work/profiles.d/dev.js": mine,
    "config/pim/profiles.d/web.ts": mine,
  });
  const at = (name: string) => join(user.path, name);
  assert.deepEqual(await user.pim("profile", "import", "old.yml"), {
    code: 2,
    stdout: "",
    stderr: `error: ${at("work/profiles.d/dev.js")} is already there\n` +
      "hint: Overwrite what is there with: pim profile import --force old.yml\n",
  });
  const names = (await Array.fromAsync(Deno.readDir(at("work/profiles.d")))).map(({ name }) => name);
  assert.deepEqual(names, ["dev.js"]);
  const { stdout } = await user.pim("profile", "import", "old.yml", "--force");
  assert.deepEqual(stdout.trim().split("\n"), ["web", "dev"].map((name) => at(`work/profiles.d/${name}.ts`)));
  assert.equal(await Deno.readTextFile(at("config/pim/profiles.d/web.ts")), mine);
  assert.equal((await user.pim("profile", "check")).stdout, "ok    dev\nok    web\n");
});

Deno.test("an unknown profile and an empty configuration say what to type next", async () => {
  await using user = await newUser();
  for (const command of ["list", "check"]) {
    assert.deepEqual(await user.pim("profile", command), {
      code: 2,
      stdout: "",
      stderr: "error: There are no profiles yet\nhint: Make a first configuration with: pim init\n",
    });
  }
  await user.pim("init");
  assert.deepEqual(await user.pim("profile", "show", "develpoer"), {
    code: 2,
    stdout: "",
    stderr: "error: There is no profile develpoer\nhint: Did you mean developer?\n",
  });
});
