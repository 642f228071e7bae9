import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser } from "./pim.ts";
import { runLines } from "./several_lines.ts";

Deno.test("pim config show prints every value with where it came from", async () => {
  await using user = await newUser({
    "config/pim/pim.yml": "build: {cpus: 3}\n",
    "work/pim.yml": "iso: {iso_dir: isos}\n",
  });
  const show = [...user.argv, "config", "show"];
  const { code, stdout, stderr } = await user.run(show, { env: { PIM_BUILD_MEMORY: "4G" } });
  assert.deepEqual([code, stderr], [0, ""]);
  const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["SETTING", "VALUE", "FROM"]);
  const row = (key: string) => rows.find(([first]) => first === key)?.slice(1);
  assert.deepEqual(row("build.cpus"), ["3", join(user.path, "config/pim/pim.yml")]);
  assert.deepEqual(row("iso.iso_dir"), [join(user.path, "work/isos"), join(user.path, "work/pim.yml")]);
  assert.deepEqual(row("build.memory"), ["4096", "PIM_BUILD_MEMORY"]);
  assert.deepEqual(row("build.image_dir"), [join(user.path, "data/pim/images"), "built-in"]);
  assert.deepEqual(row("iso.rate_limit"), ["-", "not set"]);
  assert.equal(row("ventoy"), undefined);

  const json = JSON.parse((await user.pim("config", "show", "--json")).stdout);
  assert.equal(json.settings.build.cpus, 3);
  assert.equal(json.sources["build.cpus"], join(user.path, "config/pim/pim.yml"));
});

Deno.test("a variable that is named like a setting and is none is told of, with the one that was meant", async () => {
  await using user = await newUser();
  const env = { PIM_BUILD_MEMROY: "512", PIM_ISO_XYZZY: "1", PIM_PROFILE: "x" };
  const { code, stdout, stderr } = await user.run([...user.argv, "config", "get", "build.memory"], { env });
  assert.deepEqual([code, stdout], [0, "2048\n"]);
  assert.deepEqual(stderr.trimEnd().split("\n").sort(), [
    "warning: The variable PIM_BUILD_MEMROY is no setting. Did you mean PIM_BUILD_MEMORY?",
    "warning: The variable PIM_ISO_XYZZY is no setting. See all of them with: pim config show",
  ]);
});

Deno.test("pim config get prints one value, bare or as JSON", async () => {
  await using user = await newUser();
  const get = (...words: string[]) => ["config", "get", ...words];
  const [bare, json, map, unset, wrong] = await runLines(user, [
    get("build.disk_size"),
    get("build.disk_size", "--json"),
    get("build.ssh", "--json"),
    get("build.ssh.user", "--json"),
    get("build.disksize"),
  ]);
  assert.equal(bare.stdout, "20G\n");
  assert.equal(json.stdout, '"20G"\n');
  assert.equal(map.stdout, '{"timeout":600,"port":0}\n');
  assert.equal(unset.stdout, "null\n");
  assert.deepEqual(wrong, {
    code: 2,
    stdout: "",
    stderr: "error: There is no setting build.disksize\nhint: Did you mean build.disk_size?\n",
  });
});

Deno.test("pim config path prints the folders, and creates none of them", async () => {
  await using user = await newUser();
  const [json, table] = await runLines(user, [["config", "path", "--json"], ["config", "path"]]);
  assert.deepEqual(JSON.parse(json.stdout), {
    project: null,
    config: join(user.path, "config/pim"),
    images: join(user.path, "data/pim/images"),
    registry: join(user.path, "data/pim/registry.yml"),
    isos: join(user.path, "cache/pim/isos"),
    cache: join(user.path, "cache/pim"),
    runtime: join(user.path, "run/pim"),
  });
  assert.match(table.stdout, /^WHAT +FOLDER\nproject +\(none\)\nconfig +\//);
  const names = (await Array.fromAsync(Deno.readDir(user.path))).map(({ name }) => name);
  assert.deepEqual(names, ["work"]);
});

Deno.test("mistakes in pim.yml end any command with exit code 2, all of them, without a stack trace", async () => {
  await using user = await newUser({ "work/pim.yml": "build:\n  cpu: 2\n\nsrve: {}\n" });
  const { code, stdout, stderr } = await user.pim("config", "show");
  assert.deepEqual([code, stdout], [2, ""]);
  const file = join(user.path, "work/pim.yml");
  assert.equal(
    stderr,
    `error: ${file}:2: build.cpu is not known here. Did you mean cpus?\n` +
      `${file}:4: srve is not known here. Did you mean serve?\n`,
  );
});

Deno.test("--project and PIM_PROJECT name a project; a folder that is none is refused", async () => {
  await using user = await newUser({ "p/pim.yml": "build: {cpus: 7}\n" });
  const cpus = ["config", "get", "build.cpus"];
  const [before, behind, wrong, missing] = await runLines(user, [
    ["--project", "../p", ...cpus],
    [...cpus, `--project=${user.path}/p`],
    ["--project", "../the q", ...cpus],
    ["config", "show", "--project"],
  ]);
  assert.deepEqual([before.stdout, behind.stdout], ["7\n", "7\n"]);
  assert.equal((await user.run([...user.argv, ...cpus], { env: { PIM_PROJECT: "../p" } })).stdout, "7\n");
  assert.equal(wrong.code, 2);
  assert.match(
    wrong.stderr,
    /^error: .*\/the q is not a project: .*\nhint: Make it one with: pim init '\/.*\/the q'\n$/,
  );
  assert.deepEqual([missing.code, missing.stderr], [2, "error: --project needs a folder\n"]);
});
