import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { HostError, UsageError } from "../../lib/errors.ts";
import {
  buildsDir,
  checkName,
  ensureRuntimeDir,
  registryFile,
  runtimeFiles,
  userPaths,
} from "../../lib/paths.ts";
import { tempDir } from "./temp.ts";

const env = (values: Record<string, string>) => ({ get: (name: string) => values[name] });

Deno.test("folders follow the XDG variables, and their defaults below the home folder", () => {
  assert.deepEqual(userPaths(env({ HOME: "/home/u" })), {
    configDir: "/home/u/.config/pim",
    dataDir: "/home/u/.local/share/pim",
    cacheDir: "/home/u/.cache/pim",
    runtimeDirWanted: undefined,
  });
  const paths = userPaths(
    env({ XDG_CONFIG_HOME: "/c", XDG_DATA_HOME: "/d", XDG_CACHE_HOME: "/k", XDG_RUNTIME_DIR: "/r" }),
  );
  assert.deepEqual(paths, {
    configDir: "/c/pim",
    dataDir: "/d/pim",
    cacheDir: "/k/pim",
    runtimeDirWanted: "/r/pim",
  });
  assert.equal(registryFile(paths), "/d/pim/registry.yml");
  assert.equal(buildsDir(paths), "/k/pim/builds");
});

Deno.test("pim's own variables win over XDG's, and are relative to the working directory", () => {
  const paths = userPaths(
    env({ HOME: "/h", XDG_CONFIG_HOME: "/c", PIM_CONFIG_DIR: "conf", PIM_DATA_DIR: "/x" }),
  );
  assert.equal(paths.configDir, resolve("conf"));
  assert.equal(paths.dataDir, "/x");
});

Deno.test("relative and empty XDG variables are ignored, as the specification has it", () => {
  const paths = userPaths(
    env({ HOME: "/h", XDG_CONFIG_HOME: "conf", XDG_CACHE_HOME: "", XDG_RUNTIME_DIR: "r" }),
  );
  assert.equal(paths.configDir, "/h/.config/pim");
  assert.equal(paths.cacheDir, "/h/.cache/pim");
  assert.equal(paths.runtimeDirWanted, undefined);
});

Deno.test("the runtime files of a VM carry its name, which cannot lead elsewhere", () => {
  assert.equal(runtimeFiles("/run/pim", "web-1").qmp, "/run/pim/web-1.qmp");
  assert.equal(runtimeFiles("/run/pim", "web-1").agent, "/run/pim/web-1.ga");
  for (const name of ["../x", "a/b", "", ".hidden", "-flag", "a\nb", "x".repeat(65)]) {
    assert.throws(() => checkName(name, "VM name"), UsageError);
    assert.throws(() => runtimeFiles("/run/pim", name), UsageError);
  }
  assert.throws(() => checkName("a b", "image name"), /"a b" cannot be an image name/);
});

Deno.test("the runtime directory is made private", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "run");
  await Deno.mkdir(path, { mode: 0o755 });
  const paths = userPaths(env({ PIM_RUNTIME_DIR: path }));
  assert.equal(await ensureRuntimeDir(paths), path);
  assert.equal((await Deno.stat(path)).mode! & 0o777, 0o700);
});

Deno.test("a file or a planted link is not taken for the runtime directory", async () => {
  await using dir = await tempDir({ file: "", "elsewhere/file": "" });
  await Deno.symlink(join(dir.path, "elsewhere"), join(dir.path, "link"));
  await Deno.symlink(join(dir.path, "nowhere"), join(dir.path, "dangling"));
  for (const name of ["file", "link", "dangling", "file/below"]) {
    const paths = userPaths(env({ PIM_RUNTIME_DIR: join(dir.path, name) }));
    await assert.rejects(ensureRuntimeDir(paths), (error: Error) => {
      assert.ok(error instanceof HostError, `${name}: ${error}`);
      assert.match(error.hint ?? "", /PIM_RUNTIME_DIR/);
      return true;
    });
  }
});
