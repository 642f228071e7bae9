import assert from "node:assert/strict";
import { join } from "node:path";
import { type Config, getSetting, loadConfig } from "../../lib/config/config.ts";
import { environmentName, settingKeys } from "../../lib/config/settings.ts";
import { UsageError } from "../../lib/errors.ts";
import { tempDir } from "../base/temp.ts";

type Options = { env?: Record<string, string>; cwd?: string; project?: string };

/** Loads the configuration of a folder laid out as {home/pim.yml, work/…}. */
function load(dir: string, { env = {}, cwd = "work", project }: Options = {}): Promise<Config> {
  const all: Record<string, string> = { HOME: join(dir, "home"), PIM_CONFIG_DIR: join(dir, "home"), ...env };
  return loadConfig({ cwd: join(dir, cwd), env: { get: (name) => all[name] }, project });
}

async function problemsOf(dir: string, options: Options = {}): Promise<string[]> {
  const error = await load(dir, options).then(() => assert.fail("it loaded"), (thrown) => thrown);
  assert.ok(error instanceof UsageError, String(error));
  return error.message.replaceAll(`${dir}/`, "").split("\n");
}

Deno.test("without any file the built-in settings hold", async () => {
  await using dir = await tempDir();
  const config = await load(dir.path);
  assert.equal(config.settings.build.disk_size, "20G");
  assert.equal(config.settings.iso.iso_dir, join(dir.path, "home/.cache/pim/isos"));
  assert.deepEqual([...new Set(config.sources.values())], ["built-in"]);
});

Deno.test("project lies over user, environment over both, and each value knows its source", async () => {
  await using dir = await tempDir({
    "home/pim.yml": "build:\n  cpus: 3\n  memory: 1024\n  disk_size: 10G\n",
    "work/pim.yml": "build:\n  cpus: 4\n  memory: 4G\n",
  });
  const { settings, sources, folders } = await load(dir.path, { env: { PIM_BUILD_CPUS: "8" } });
  assert.equal(settings.build.cpus, 8);
  assert.equal(settings.build.memory, 4096);
  assert.equal(settings.build.disk_size, "10G");
  assert.equal(sources.get("build.cpus"), "PIM_BUILD_CPUS");
  assert.equal(sources.get("build.memory"), join(dir.path, "work/pim.yml"));
  assert.equal(sources.get("build.disk_size"), join(dir.path, "home/pim.yml"));
  assert.equal(sources.get("serve.port"), "built-in");
  assert.deepEqual(folders.map(({ kind }) => kind), ["project", "user", "built-in"]);
});

Deno.test("the nearest pim.yml upwards makes the project, and the user's own is none", async () => {
  await using dir = await tempDir({
    "home/pim.yml": "",
    "home/sub/file": "",
    "work/pim.yml": "build: {cpus: 3}",
    "work/inner/pim.yml": "build: {cpus: 5}",
    "work/inner/deep/file": "",
    "work/other/file": "",
  });
  assert.equal((await load(dir.path, { cwd: "work/inner/deep" })).settings.build.cpus, 5);
  assert.equal((await load(dir.path, { cwd: "work/other" })).settings.build.cpus, 3);
  assert.equal((await load(dir.path, { cwd: "home/sub" })).folders[0]?.kind, "user");
});

Deno.test("a project can be named, by flag or PIM_PROJECT; a folder without pim.yml is none", async () => {
  await using dir = await tempDir({ "p/pim.yml": "build: {cpus: 7}", "work/pim.yml": "", "q/file": "" });
  assert.equal((await load(dir.path, { project: "../p" })).settings.build.cpus, 7);
  assert.equal((await load(dir.path, { env: { PIM_PROJECT: join(dir.path, "p") } })).settings.build.cpus, 7);
  assert.deepEqual(await problemsOf(dir.path, { project: "../q" }), [
    "q is not a project: there is no pim.yml in it",
  ]);
});

Deno.test("every problem of every file is reported at once, with file, line and the nearest key", async () => {
  await using dir = await tempDir({
    "home/pim.yml": "iso:\n  iso_dri: x\nbuidl: {}\n",
    "work/pim.yml":
      "build:\n  cpus: lots\n  memory: many\n  on_error: explode\n  ssh:\n    port: 99999\n    usr: x\n",
  });
  const problems = await problemsOf(dir.path, { env: { PIM_SERVE_PORT: "high" } });
  assert.deepEqual(problems.sort(), [
    'PIM_SERVE_PORT: serve.port must be a whole number, not "high"',
    "home/pim.yml:2: iso.iso_dri is not known here. Did you mean iso_dir?",
    "home/pim.yml:3: buidl is not known here. Did you mean build?",
    'work/pim.yml:2: build.cpus must be a whole number, not "lots"',
    'work/pim.yml:3: build.memory must be an amount of memory in MiB, such as 2048, or 4G, not "many"',
    'work/pim.yml:4: build.on_error must be "cleanup" or "keep" or "ask", not "explode"',
    "work/pim.yml:6: build.ssh.port must be a port, not 99999",
    "work/pim.yml:7: build.ssh.usr is not known here. Did you mean user?",
  ]);
});

Deno.test("a section that is no map is told as such, as is a file that is none", async () => {
  await using dir = await tempDir({ "work/pim.yml": "build: 3\n" });
  assert.deepEqual(await problemsOf(dir.path), ["work/pim.yml:1: build must be a map, not 3"]);
  await dir.write("work/pim.yml", "- a\n");
  assert.deepEqual(await problemsOf(dir.path), ["work/pim.yml must be a map of settings"]);
});

Deno.test("an empty section keeps what was there", async () => {
  await using dir = await tempDir({ "work/pim.yml": "build:\n  ssh:\niso:\n" });
  assert.equal((await load(dir.path)).settings.build.ssh.timeout, 600);
});

Deno.test("relative paths are relative to their file, ~ is home, and variables are relative to the folder we are in", async () => {
  await using dir = await tempDir({
    "home/pim.yml": "iso: {iso_dir: isos}\nbuild: {image_dir: ~/images}\n",
    "work/pim.yml": "",
  });
  const at = (path: string) => join(dir.path, path);
  const { settings } = await load(dir.path);
  assert.equal(settings.iso.iso_dir, at("home/isos"));
  assert.equal(settings.build.image_dir, at("home/images"));
  const env = { PIM_ISO_ISO_DIR: "mine", PIM_BUILD_IMAGE_DIR: "~/other" };
  const overridden = (await load(dir.path, { env })).settings;
  assert.equal(overridden.iso.iso_dir, at("work/mine"));
  assert.equal(overridden.build.image_dir, at("home/other"));
});

Deno.test("every setting has a variable of the environment, and an empty one counts as not set", async () => {
  await using dir = await tempDir();
  const values: Record<string, string> = {
    "iso.connections": "2",
    "iso.stall_timeout": "9",
    "iso.rate_limit": "3M",
    "build.disk_size": "7G",
    "build.memory": "512M",
    "build.cpus": "1",
    "build.on_error": "keep",
    "build.compression": "zlib",
    "build.verify": "true",
    "build.warm": "false",
    "build.warm_size": "1G",
    "build.layers_size": "9G",
    "build.ssh.timeout": "9",
    "build.ssh.port": "2222",
    "serve.port": "0",
  };
  for (const path of settingKeys()) {
    const key = path.join(".");
    if (key === "build.builders" || key === "build.remotes") continue; // maps
    const name = environmentName(path);
    const config = await load(dir.path, { env: { [name]: values[key] ?? "/some/text" } });
    assert.equal(config.sources.get(key), name);
    assert.equal((await load(dir.path, { env: { [name]: "" } })).sources.get(key) === name, false);
  }
});

Deno.test("settings of the earlier pim are read as they are", async () => {
  await using dir = await tempDir({
    "home/pim.yml": `iso:
  iso_dir: ~/.cache/pim/isos
build:
  image_dir: ~/.local/share/pim/images
  disk_size: 20G
  memory: 2048
  cpus: 2
  ssh: {user: ansible, timeout: 1800, port: 2222}
  builders:
    arm64: {type: local}
    x86_64: {type: remote, host: builder}
  remotes:
    builder: {host: 10.0.0.5, user: me}
ventoy:
  version: "1.0.99"
  dir: ventoy-1.0.99
  file: ventoy-1.0.99-linux.tar.gz
  url: https://example.org/v.tar.gz
  checksum: sha256:abc
  device: /dev/sdX
`,
  });
  const { settings } = await load(dir.path);
  assert.equal(settings.build.ssh.user, "ansible");
  assert.equal(settings.ventoy.version, "1.0.99");
  assert.deepEqual(settings.build.builders?.["arm64"], { type: "local" });
});

Deno.test("one setting is looked up by its dotted key, and a misspelt key finds its neighbour", async () => {
  await using dir = await tempDir();
  const config = await load(dir.path);
  assert.equal(getSetting(config, "build.cpus"), 2);
  assert.deepEqual(getSetting(config, "build.ssh"), { timeout: 600, port: 0 });
  assert.equal(getSetting(config, "build.ssh.user"), undefined);
  assert.throws(() => getSetting(config, "build.cpu"), { hint: "Did you mean build.cpus?" });
});
