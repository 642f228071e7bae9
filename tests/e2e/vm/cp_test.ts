import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser, type User } from "../../cli/pim.ts";
import { startSshd } from "../../ssh/sshd.ts";
import { type TempDir, tempDir } from "../../base/temp.ts";
import { standInVm } from "../../vm/ssh_vm.ts";

/** A user in a folder, and a VM `demo` whose file system is that of this host; its home is the folder `guest`. */
interface Lab extends AsyncDisposable {
  readonly user: User;
  readonly guest: TempDir;
}

async function lab(): Promise<Lab> {
  await using made = new AsyncDisposableStack();
  const user = made.use(await newUser());
  const guest = made.use(await tempDir());
  const sshd = made.use(await startSshd({ config: [`Subsystem sftp internal-sftp -d ${guest.path}`] }));
  const sshKey = await user.write("key", sshd.key.privateKey);
  await Deno.chmod(sshKey, 0o600);
  const definition = { username: sshd.username, sshKey };
  made.use(await standInVm(user, { sshPort: sshd.port, definition }));
  const all = made.move();
  return { user, guest, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const odd = ["two words", "it's", 'a "quote"', "a:b", "back\\slash", "-r", "ümläut", "$HOME", "semi;colon&"];

Deno.test("files of any name go into a VM and come out of it as they were", async () => {
  await using place = await lab();
  const { user, guest } = place;
  for (const name of odd) await user.write(`work/${name}`, `content of ${name}`);
  const sources = odd.map((name) => name.includes(":") || name.startsWith("-") ? `./${name}` : name);
  assert.deepEqual(await user.pim("cp", ...sources, "demo:"), { code: 0, stdout: "", stderr: "" });
  for (const name of odd) assert.equal(await Deno.readTextFile(join(guest.path, name)), `content of ${name}`);
  await Deno.mkdir(join(user.path, "work", "back"));
  // scp takes a source in the guest for a pattern, in which a backslash hides what follows.
  const there = odd.map((name) => `demo:${name.replaceAll("\\", "\\\\")}`);
  assert.deepEqual(await user.pim("cp", ...there, "back"), { code: 0, stdout: "", stderr: "" });
  for (const name of odd) {
    assert.equal(await Deno.readTextFile(join(user.path, "work", "back", name)), `content of ${name}`);
  }
});

Deno.test("one file takes the name that it is given, by an absolute path too", async () => {
  await using place = await lab();
  const { user, guest } = place;
  await user.write("work/a", "of a");
  assert.equal((await user.pim("cp", "a", `demo:${guest.path}/new name`)).code, 0);
  assert.equal(await Deno.readTextFile(join(guest.path, "new name")), "of a");
  assert.equal((await user.pim("cp", "demo:new name", "./c:d")).code, 0);
  assert.equal(await Deno.readTextFile(join(user.path, "work", "c:d")), "of a");
});

Deno.test("folders go whole, with what may be executed", async () => {
  await using place = await lab();
  const { user, guest } = place;
  await user.write("work/my dir/sub/run.sh", "#!/bin/sh\n");
  await Deno.chmod(join(user.path, "work/my dir/sub/run.sh"), 0o755);
  await user.write("work/my dir/empty", "");
  assert.equal((await user.pim("cp", "my dir", "demo:")).code, 0);
  const { mode } = await Deno.stat(join(guest.path, "my dir/sub/run.sh"));
  assert.equal((mode ?? 0) & 0o111, 0o111);
  assert.equal((await user.pim("cp", "demo:my dir", "copy")).code, 0);
  assert.equal(await Deno.readTextFile(join(user.path, "work/copy/sub/run.sh")), "#!/bin/sh\n");
  assert.equal((await Deno.stat(join(user.path, "work/copy/empty"))).size, 0);
});

Deno.test("a mistake on this side is told before anything is connected", async () => {
  await using user = await newUser({ "work/file": "", "work/other": "" });
  // A port where nothing answers: who came so far would wait for it.
  await using _vm = await standInVm(user, { sshPort: 1 });
  const cases: [string[], RegExp][] = [
    [["file", "gone", "demo:"], /^error: There is no file or folder .*\/work\/gone\n/],
    [["demo:x", "none/x"], /^error: There is no file or folder .*\/work\/none\n/],
    [["demo:x", "demo:y", "file"], /^error: Cannot copy into .*\/work\/file: it is no folder\n/],
    [
      ["file", "other"],
      /^error: Neither the source nor the destination is in a VM\nhint: pim cp FILE VM:PATH/,
    ],
    [["demo:a", "demo:b"], /^error: pim cp copies into a VM or out of one/],
    [["gone:x", "."], /^error: There is no VM "gone"\nhint: Running: demo\./],
  ];
  for (const [words, message] of cases) {
    const { code, stderr } = await user.pim("cp", ...words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, message);
  }
});

Deno.test("what scp cannot do is scp's to say, with its exit code", async () => {
  await using place = await lab();
  const { code, stderr } = await place.user.pim("cp", "demo:gone", ".");
  assert.equal(code, 1);
  assert.match(stderr, /gone.*No such file/i);
  assert.doesNotMatch(stderr, /host key/);
});
