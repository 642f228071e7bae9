import assert from "node:assert/strict";
import { refuseName, stickName } from "../../lib/ventoy/stick/exfat_names.ts";
import { mountedVolumes, onlyStick } from "../../lib/ventoy/stick/find_stick.ts";
import { mountWays, parseUdisks } from "../../lib/ventoy/stick/mount_args.ts";
import { parseMountInfo } from "../../lib/ventoy/stick/mount_table.ts";
import { tempDir } from "../base/temp.ts";

const owner = { uid: 1000, gid: 100 };

Deno.test("exFAT is mounted by the kernel, else by FUSE, and its files belong to the user alone", () => {
  const ways = mountWays("/dev/sdb1", "/run/m", "exfat", owner, false);
  const options = "rw,nosuid,nodev,noexec,uid=1000,gid=100,umask=0077";
  assert.deepEqual(ways.map(({ argv }) => argv), [
    ["mount", "-t", "exfat", "-o", options, "/dev/sdb1", "/run/m"],
    ["mount.exfat-fuse", "-o", `${options},allow_other`, "/dev/sdb1", "/run/m"],
  ]);
});

Deno.test("a file system with owners of its own is mounted as it is", () => {
  const ways = mountWays("/dev/sdb1", "/run/m", "ext4", owner, true);
  assert.deepEqual(ways.map(({ argv }) => argv), [
    ["mount", "-t", "ext4", "-o", "ro,nosuid,nodev,noexec", "/dev/sdb1", "/run/m"],
  ]);
});

Deno.test("udisks tells where it has mounted a stick, with or without a full stop", () => {
  assert.equal(parseUdisks("Mounted /dev/sdb1 at /media/me/My Stick.\n"), "/media/me/My Stick");
  assert.equal(parseUdisks("Mounted /dev/sdb1 at /run/media/me/Ventoy\n"), "/run/media/me/Ventoy");
  assert.equal(parseUdisks("Object is not mountable"), undefined);
});

Deno.test("the kernel's table of mounts is read with blanks in paths and both places that say read-only", () => {
  const text = "22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw\n" +
    "36 35 8:17 / /media/My\\040Stick rw,noatime shared:9 master:1 - exfat /dev/sdb1 ro,iocharset=utf8\n" +
    "37 35 8:33 / /mnt ro,noatime - fuseblk /dev/sdc1 rw\n\n";
  assert.deepEqual(parseMountInfo(text), [
    { source: "/dev/sda2", folder: "/", readOnly: false },
    { source: "/dev/sdb1", folder: "/media/My Stick", readOnly: true },
    { source: "/dev/sdc1", folder: "/mnt", readOnly: true },
  ]);
});

Deno.test("among mounted volumes, as macOS has them, sticks are known by their name or by what is on them", async () => {
  await using dir = await tempDir({
    "Macintosh HD/x": "",
    "Ventoy/x": "",
    "VENTOY 1/x": "",
    "Data/ventoy/ventoy.json": "{}",
    "Tools/pim/stick.json": "{}",
    "Ventoyage/x": "",
  });
  const found = await mountedVolumes(dir.path);
  assert.deepEqual(
    found.map(({ name }) => name.slice(dir.path.length)).sort(),
    ["/Data", "/Tools", "/VENTOY 1", "/Ventoy"],
  );
});

Deno.test("without a name the only stick is meant; of several one has to be named", () => {
  const stick = (name: string) => ({ kind: "folder", name, folder: name }) as const;
  assert.equal(onlyStick([stick("/a")]).name, "/a");
  assert.throws(() => onlyStick([]), /No Ventoy stick is plugged in/);
  assert.throws(() => onlyStick([stick("/a"), stick("/b")]), (error: Error & { hint?: string }) => {
    assert.match(error.message, /Which stick\? There are 2/);
    assert.equal(error.hint, "Name one of: /a, /b");
    return true;
  });
});

Deno.test("names that exFAT does not take are refused for ISOs and replaced for answer files", () => {
  assert.match(refuseName("a:b.iso") ?? "", /exFAT takes no ":"/);
  assert.match(refuseName("a?.iso") ?? "", /exFAT takes no "\?"/);
  assert.match(refuseName("a.iso ") ?? "", /ends in a dot or blank/);
  assert.equal(refuseName("debian-13 (1).iso"), undefined);
  assert.equal(stickName('a/b:"c"\x07'), "a_b__c__");
  assert.equal(stickName("a."), "a");
  assert.equal(stickName("..."), "_");
});
