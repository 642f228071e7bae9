import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../../lib/process.ts";
import { isoImage } from "../../../lib/iso/iso9660/write.ts";
import { findDevice } from "../../../lib/ventoy/disk/find_disk.ts";
import { checkIdentity, identityOf } from "../../../lib/ventoy/disk/identity.ts";
import { openPty } from "../../vm/pty.ts";
import { isMounted, loopDisk, named, noDisks } from "./loop_disk.ts";
import { type StickUser, stickUser } from "./stick_user.ts";

function diskTest(name: string, fn: (user: StickUser) => Promise<void>): void {
  Deno.test({
    name: named(name),
    ignore: noDisks !== undefined,
    async fn() {
      await using user = await stickUser();
      await fn(user);
    },
  });
}

diskTest(
  "prepare makes a stick, status and list know it, and a second time it is refused or updated",
  async (user) => {
    await using disk = await loopDisk(100);
    const made = await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes", "--label", "STICK");
    assert.deepEqual([made.code, made.stdout], [
      0,
      `${disk.path} has Ventoy 1.1.18; ISOs go on ${disk.partition(1)}\n`,
    ]);
    assert.match(
      made.stderr,
      /No partitions are on it[^]*ventoy \| Install Ventoy to .* successfully finished/,
    );
    const { stdout } = await run(["blkid", "-p", "-o", "value", "-s", "LABEL", disk.partition(1)]);
    assert.equal(stdout, "STICK\n");

    const listed = JSON.parse((await user.pim("ventoy", "list", "--json")).stdout) as Record<
      string,
      unknown
    >[];
    const own = listed.find(({ device }) => device === disk.path);
    assert.deepEqual([own?.ventoy, own?.version], [true, "1.1.18"]);

    const again = await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes");
    assert.equal(again.code, 2);
    assert.match(again.stderr, /has Ventoy 1\.1\.18 already[^]*--update[^]*--force/);
    await user.within(disk, (folder) => Deno.writeTextFile(join(folder, "mine.txt"), "kept"));
    assert.equal(
      (await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes", "--update")).code,
      0,
    );
    assert.equal(await user.within(disk, (folder) => Deno.readTextFile(join(folder, "mine.txt"))), "kept");
    const forced = await user.pim(
      "ventoy",
      "prepare",
      disk.path,
      "--allow-fixed",
      "--yes",
      "--force",
      "--gpt",
    );
    assert.equal(forced.code, 0, forced.stderr);
    assert.deepEqual(await user.within(disk, (folder) => Promise.resolve([...Deno.readDirSync(folder)])), []);
  },
);

diskTest("prepare shows an ISO that was written over the whole disk and wipes it", async (user) => {
  await using disk = await loopDisk(100);
  const iso = isoImage({ volume: "OLD_INSTALLER", files: [{ name: "a", content: "x".repeat(5000) }] });
  {
    // As `dd` does it: writeFile would cut the file that the disk is made of.
    using device = await Deno.open(disk.path, { write: true });
    for (let done = 0; done < iso.length;) done += await device.write(iso.subarray(done));
  }
  const { code, stderr } = await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes");
  assert.equal(code, 0, stderr);
  assert.match(stderr, /An ISO was written over the whole disk: OLD_INSTALLER/);
  const { stdout } = await run(["wipefs", "--noheadings", "--output", "TYPE", disk.path]);
  assert.deepEqual(stdout.trim().split("\n"), ["dos"]);
});

diskTest("prepare refuses what it must not write to, and nothing is written", async (user) => {
  await using disk = await user.stick(100);
  const refuse = async (args: readonly string[], reason: RegExp) => {
    const { code, stdout, stderr } = await user.pim("ventoy", "prepare", "--force", "--yes", ...args);
    assert.deepEqual([code, stdout], [2, ""], stderr);
    assert.match(stderr, reason);
  };
  await refuse([disk.path], /neither USB nor removable[^]*--allow-fixed/);
  await refuse([disk.partition(1), "--allow-fixed"], /a partition of \/dev\/loop\d+[^]*Name the whole disk/);
  await refuse(["/dev/null"], /it is no block device/);
  await refuse([join(user.path, "none")], /there is no such device/);
  const root = (await run(["findmnt", "-n", "-o", "SOURCE", "/"])).stdout.trim();
  if (root.startsWith("/dev/")) {
    await refuse([root, "--allow-fixed"], /this system runs from it|is a partition of/);
  }
  await user.within(disk, async () => {
    await refuse([disk.path, "--allow-fixed"], /is mounted at .*mounted[^]*sudo umount/);
  });
  const over = (await run(["losetup", "--find", "--show", disk.partition(1)])).stdout.trim();
  await refuse([disk.path, "--allow-fixed"], new RegExp(`${over} lies over it[^]*losetup --detach ${over}`));
  await run(["losetup", "--detach", over]);
  const link = join(user.path, "by-id");
  await Deno.symlink(disk.path, link);
  await refuse([link], /neither USB nor removable/);
  await using locked = await loopDisk(100, { readOnly: true, file: disk.file });
  await refuse([locked.path, "--allow-fixed"], /it is read-only/);
});

diskTest("a disk that is not the same any more as when it was looked at is not written to", async () => {
  await using disk = await loopDisk(100);
  const identity = await identityOf((await findDevice(disk.path)).disk);
  assert.equal((await checkIdentity(identity)).path, disk.path);
  await Deno.truncate(disk.file, 120 * 1024 * 1024);
  await run(["losetup", "--set-capacity", disk.path]);
  await assert.rejects(
    checkIdentity(identity),
    /is not the disk any more that was looked at; nothing was written/,
  );
});

diskTest("without a terminal nobody is asked, and --yes has to be said", async (user) => {
  await using disk = await loopDisk(100);
  const { code, stderr } = await user.pim("ventoy", "prepare", disk.path, "--allow-fixed");
  assert.equal(code, 2);
  assert.match(stderr, /EVERYTHING on \/dev\/loop\d+ will be lost, and there is no terminal[^]*--yes/);
  assert.ok((await Deno.readFile(disk.file)).every((byte) => byte === 0));
});

diskTest("in a terminal the disk's own name has to be typed", async (user) => {
  await using disk = await loopDisk(100);
  const command = [...user.argv, "ventoy", "prepare", disk.path, "--allow-fixed"].join(" ");
  const ask = async (answer: string) => {
    await using pty = openPty(command, { ...user.env, NO_COLOR: "1" });
    await pty.see(/Type \/dev\/loop\d+ to go on: /);
    await pty.type(answer);
    return { code: await pty.ended, screen: pty.screen() };
  };
  const wrong = await ask("/dev/sda\n");
  assert.match(wrong.screen, /\/dev\/sda is not \/dev\/loop\d+; nothing was written/);
  assert.equal(wrong.code, 2);
  assert.equal((await ask("\n")).code, 130);
  assert.equal((await ask("\x03")).code, 130);
  assert.ok((await Deno.readFile(disk.file)).every((byte) => byte === 0));
  assert.equal((await ask(`${disk.path}\n`)).code, 0);
});

diskTest(
  "an installer that fails is told of with its last words, one that lies is found out",
  async (user) => {
    await using disk = await loopDisk(100);
    const script = join(user.path, "cache/pim/ventoy/ventoy-1.1.18/tool/VentoyWorker.sh");
    await user.pim("ventoy", "download");
    const text = await Deno.readTextFile(script);
    const prepare = async (kind: string) => {
      await Deno.writeTextFile(script, text.replace("$PIM_TEST_INSTALLER", kind));
      return await user.pim("ventoy", "prepare", disk.path, "--allow-fixed", "--yes");
    };
    const failed = await prepare("fails");
    assert.equal(failed.code, 1);
    assert.match(
      failed.stderr,
      /Ventoy's installer failed on \S+:\n[^]*Write data to .* failed/,
    );
    assert.match(failed.stderr, /log\.txt/);
    assert.match(
      (await prepare("idle")).stderr,
      /Ventoy's installer failed on \S+:\n[^]*will be lost/,
    );
    assert.match(
      (await prepare("lies")).stderr,
      /says that it has finished, but .* has not Ventoy's partitions/,
    );
    assert.ok(!await isMounted(disk.path));
  },
);

diskTest("flags that contradict each other are refused before the disk is looked at", async (user) => {
  const said = async (...args: string[]) =>
    (await user.pim("ventoy", "prepare", "/dev/none", ...args)).stderr;
  assert.match(await said("--force", "--update"), /say one of them/);
  assert.match(await said("--update", "--gpt"), /leaves the partitions as they are/);
  assert.match(await said("--label", "A B"), /cannot be the label/);
  assert.match((await user.pim("ventoy", "prepare")).stderr, /Which disk shall be made a stick\?/);
});
