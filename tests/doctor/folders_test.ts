import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { checkConfigFolder, checkFolders } from "../../lib/doctor/folders.ts";
import { checkRuntimeDir, judgeSocketPaths } from "../../lib/doctor/runtime_dir.ts";
import { judgeSpace } from "../../lib/doctor/space.ts";
import { patient } from "./patient.ts";

Deno.test("folders that can be written to, or made, are well, and nothing is left in them", async () => {
  await using user = await patient({ "data/pim/file": "" });
  const findings = [...await checkFolders(user.context), ...await checkConfigFolder(user.context)];
  deepEqual(
    findings.map(({ name, result, detail }) => [name, result, detail.replace(user.path, "~")]),
    [
      ["data", "ok", "~/data/pim"],
      ["cache", "ok", "~/cache/pim, which is not there yet"],
      ["images", "ok", "~/data/pim/images, which is not there yet"],
      ["ISOs", "ok", "~/cache/pim/isos, which is not there yet"],
      ["configuration", "ok", "~/config/pim, which is not there yet"],
    ],
  );
  const names = async (path: string) => (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
  deepEqual(await names(user.path), ["data"]);
  deepEqual(await names(join(user.path, "data/pim")), ["file"]);
});

Deno.test("a folder that cannot be written to is a problem, told with the setting that chooses another", async () => {
  await using user = await patient({ file: "" }, { PIM_BUILD_IMAGE_DIR: "/dev/null/images" });
  const at = (name: string) => ({
    get: (key: string) => key === name ? join(user.path, "file") : user.context.env.get(key),
  });
  const images = (await checkFolders(user.context)).find(({ name }) => name === "images");
  equal(images?.result, "problem");
  match(images?.detail ?? "", /^\/dev\/null\/images cannot be written to: /);
  match(images?.fix ?? "", /build\.image_dir/);
  for (const name of ["PIM_DATA_DIR", "PIM_CACHE_DIR"]) {
    const wrong = (await checkFolders({ ...user.context, env: at(name) })).filter(({ result }) =>
      result !== "ok"
    );
    match(wrong[0]?.fix ?? "", new RegExp(name));
  }
  const [config] = await checkConfigFolder({ ...user.context, env: at("PIM_CONFIG_DIR") });
  deepEqual([config?.result, config?.fix], ["problem", "Choose another one: PIM_CONFIG_DIR."]);
});

Deno.test("a runtime directory is not made by looking, and a closed one of ours is well", async () => {
  await using user = await patient();
  const dir = join(user.path, "run/pim");
  const [missing] = await checkRuntimeDir(user.context);
  deepEqual([missing?.result, missing?.detail], ["ok", `${dir}, which is not there yet`]);
  deepEqual(await Array.fromAsync(Deno.readDir(user.path)), []);
  await Deno.mkdir(dir, { recursive: true, mode: 0o700 });
  const [there] = await checkRuntimeDir(user.context);
  deepEqual([there?.result, there?.detail], ["ok", dir]);
});

Deno.test("a runtime directory that is open to others is a warning with the command that closes it", async () => {
  await using user = await patient({ "run/pim/file": "" });
  const dir = join(user.path, "run/pim");
  await Deno.chmod(dir, 0o755);
  const [runtime] = await checkRuntimeDir(user.context);
  equal(runtime?.result, "warning");
  match(runtime?.detail ?? "", /is open to others \(mode 755\)/);
  equal(runtime?.fix, `chmod 700 ${dir}`);
  equal((await Deno.stat(dir)).mode! & 0o777, 0o755);
});

Deno.test("what is no folder of ours in place of the runtime directory is a problem", async () => {
  await using user = await patient({ "run/pim": "" });
  const [file, ...rest] = await checkRuntimeDir(user.context);
  deepEqual(rest, []);
  equal(file?.result, "problem");
  match(file?.detail ?? "", /run\/pim is not a folder of yours$/);
  match(file?.fix ?? "", /PIM_RUNTIME_DIR/);
});

Deno.test("the path of the runtime directory leaves room for the names of sockets, some, or none", () => {
  const ofLength = (length: number) => `/${"x".repeat(length - 1)}`;
  equal(judgeSocketPaths("/run/user/1000/pim").detail, "names of VMs may have 64 letters");
  // 103 bytes, of which "/" and ".migrate" are 9: what is left is for the name.
  equal(judgeSocketPaths(ofLength(50)).detail, "names of VMs may have 44 letters");
  const tight = judgeSocketPaths(ofLength(64));
  equal(tight.result, "warning");
  match(tight.detail, /names of 7 letters, VMs of 30$/);
  const tooLong = judgeSocketPaths(ofLength(80));
  equal(tooLong.result, "problem");
  match(tooLong.detail, /no build and only VMs with names of 14 letters can run there$/);
  match(judgeSocketPaths(ofLength(94)).detail, /no build and no VM can run there$/);
  match(tooLong.fix ?? "", /export PIM_RUNTIME_DIR=\/tmp\/pim-/);
  // Bytes count, not letters.
  equal(
    judgeSocketPaths(`/${"ü".repeat(39)}x`).detail,
    tooLong.detail.replace(ofLength(80), `/${"ü".repeat(39)}x`),
  );
});

Deno.test("too little room for a build is a warning with the sum, and enough is told once for each file system", async () => {
  await using user = await patient();
  const need = (bytes: number, what: string) => ({ dir: join(user.path, what), bytes, what });
  const enough = await judgeSpace([need(1, "a"), need(1, "b")]);
  equal(enough.result, "ok");
  match(enough.detail, /^\S+ .iB on the file system of [^,]*\/a$/);
  const scarce = await judgeSpace([need(1, "a"), need(2 ** 60, "b")]);
  equal(scarce.result, "warning");
  match(scarce.detail, /^Not enough room .* missing$/);
  match(scarce.fix ?? "", /pim build clean/);
});
