import assert from "node:assert/strict";
import { join } from "node:path";
import { PimError } from "../../lib/errors.ts";
import {
  exists,
  lockFile,
  readTextIfThere,
  removeIfThere,
  tryLockFile,
  writeFileAtomic,
} from "../../lib/files.ts";
import { tempDir } from "./temp.ts";

const filesModule = new URL("../../lib/files.ts", import.meta.url).href;

Deno.test("an atomic write makes the folders, replaces what was there and sets the mode", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "a/b/registry.yml");
  await writeFileAtomic(file, "old");
  await writeFileAtomic(file, new TextEncoder().encode("new"), { mode: 0o600 });
  assert.equal(await Deno.readTextFile(file), "new");
  assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
});

Deno.test("an atomic write that fails leaves the old content and no half-made file", async () => {
  await using dir = await tempDir({ "folder/inside": "kept", "plain": "" });
  await assert.rejects(writeFileAtomic(join(dir.path, "folder"), "text"), (error: Error) => {
    assert.ok(error instanceof PimError);
    assert.ok(error.message.startsWith(`Cannot write ${join(dir.path, "folder")}: `));
    return true;
  });
  await assert.rejects(writeFileAtomic(join(dir.path, "plain/below"), "text"), PimError);
  const names = (await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name).sort();
  assert.deepEqual(names, ["folder", "plain"]);
  assert.equal(await Deno.readTextFile(join(dir.path, "folder/inside")), "kept");
});

Deno.test("readers of a file that is written all the time see one whole content or another", async () => {
  await using dir = await tempDir();
  const file = join(dir.path, "file");
  const contents = ["a".repeat(300_000), "b".repeat(200_000)];
  await writeFileAtomic(file, contents[0] ?? "");
  let writing = true;
  const writer = (async () => {
    for (let turn = 0; turn < 30; turn++) await writeFileAtomic(file, contents[turn % 2] ?? "");
    writing = false;
  })();
  let reads = 0;
  for (; writing; reads++) assert.ok(contents.includes(await Deno.readTextFile(file)));
  await writer;
  assert.ok(reads > 1);
});

Deno.test("what is not there reads as undefined, also below a plain file; what cannot be read is an error", async () => {
  await using dir = await tempDir({ file: "text" });
  assert.equal(await readTextIfThere(join(dir.path, "file")), "text");
  assert.equal(await readTextIfThere(join(dir.path, "none")), undefined);
  assert.equal(await readTextIfThere(join(dir.path, "file/none")), undefined);
  assert.equal(await exists(join(dir.path, "file")), true);
  assert.equal(await exists(join(dir.path, "file/none")), false);
  await removeIfThere(join(dir.path, "none"));
  await assert.rejects(readTextIfThere(dir.path), {
    name: "PimError",
    message: /^Cannot read .*: Is a directory/,
  });
});

Deno.test({
  name: "what may not be removed is an error for people, with how to see why",
  // Not even root removes this; elsewhere there is nothing like it.
  ignore: Deno.build.os !== "linux",
  fn: () =>
    assert.rejects(removeIfThere("/proc/self/status"), {
      name: "PimError",
      message: /^Cannot remove \/proc\/self\/status: /,
      hint: "See whose it is: ls -lAR /proc/self/status",
    }),
});

Deno.test("a lock shuts out everyone else until it is given back", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "deep/lock");
  {
    await using _held = await lockFile(path);
    assert.equal(await tryLockFile(path), undefined);
  }
  await using free = await tryLockFile(path);
  assert.ok(free);
});

Deno.test("a lock that cannot be opened is an error with the file's name", async () => {
  await using dir = await tempDir({ plain: "" });
  await assert.rejects(lockFile(join(dir.path, "plain/lock")), {
    name: "PimError",
    message: /^Cannot open the lock .*plain\/lock: /,
  });
});

Deno.test("a lock holds between processes, and dies with the process that held it", async () => {
  await using dir = await tempDir();
  const path = join(dir.path, "lock");
  const holder = await dir.write(
    "holder.ts",
    `import { lockFile } from ${JSON.stringify(filesModule)};
const lock = await lockFile(${JSON.stringify(path)});
await Deno.stdout.write(new TextEncoder().encode("held"));
setTimeout(() => lock, 60_000);`,
  );
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-check", holder],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assert.equal(await tryLockFile(path), undefined);
  let waited = 0;
  const mine = lockFile(path, () => waited++);
  await new Promise((resolve) => setTimeout(resolve, 50));
  child.kill("SIGKILL");
  await using _lock = await mine;
  assert.equal(waited, 1);
  await reader.cancel();
});

Deno.test("processes that count in one file under the lock lose no count", async () => {
  await using dir = await tempDir({ count: "0" });
  const counter = await dir.write(
    "counter.ts",
    `import { lockFile, writeFileAtomic } from ${JSON.stringify(filesModule)};
for (let turn = 0; turn < 20; turn++) {
  await using _lock = await lockFile(Deno.args[0] + ".lock");
  await writeFileAtomic(Deno.args[0], String(Number(await Deno.readTextFile(Deno.args[0])) + 1));
}`,
  );
  const args = ["run", "-A", "--quiet", "--no-check", counter, join(dir.path, "count")];
  const statuses = await Promise.all(
    [1, 2, 3].map(() => new Deno.Command(Deno.execPath(), { args }).output()),
  );
  assert.ok(statuses.every(({ success }) => success));
  assert.equal(await Deno.readTextFile(join(dir.path, "count")), "60");
});

Deno.test({
  name: "a folder that may not be written to is told of with what chooses another",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await assert.rejects(
      writeFileAtomic("/sys/pim-test", "x"),
      (error: PimError) =>
        /^Cannot write \/sys\/pim-test: /.test(error.message) &&
        /pim help environment/.test(error.hint ?? ""),
    );
  },
});
