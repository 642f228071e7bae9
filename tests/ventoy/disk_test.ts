import assert from "node:assert/strict";
import { join } from "node:path";
import { run, which } from "../../lib/process.ts";
import { type BlockDevice, parseLsblk } from "../../lib/ventoy/disk/block_devices.ts";
import { readFat16File } from "../../lib/ventoy/disk/fat16.ts";
import { ventoyLayout } from "../../lib/ventoy/disk/layout.ts";
import { refuseDisk } from "../../lib/ventoy/disk/refusal.ts";
import { parseVersion, versionOnStick } from "../../lib/ventoy/disk/version.ts";
import { tempDir } from "../base/temp.ts";

/** A device as lsblk prints it; what is not given is as for an empty USB stick. */
function raw(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    ...{ name, kname: name, path: `/dev/${name}`, type: "disk", size: 8_000_000_000, ro: false, rm: true },
    ...{ hotplug: true, tran: "usb", vendor: "ACME    ", model: "Stick ", serial: "123", fstype: null },
    ...{ label: null, mountpoints: [null] },
    ...more,
  };
}

function read(...devices: Record<string, unknown>[]): readonly BlockDevice[] {
  return parseLsblk(JSON.stringify({ blockdevices: devices }));
}

function part(name: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return raw(name, { type: "part", tran: null, ...more });
}

function refusal(device: Record<string, unknown>, allowFixed = false): string | undefined {
  const [disk] = read(device) as [BlockDevice];
  return refuseDisk({ device: disk, disk }, { allowFixed })?.message.replace(/^\S+ is not written to: /, "");
}

Deno.test("lsblk's answer is read as a tree", () => {
  const [disk] = read(raw("sdb", { size: 8000, hotplug: false, children: [part("sdb1")] }));
  assert.deepEqual(
    [disk?.bytes, disk?.removable, disk?.readOnly, disk?.hotplug, disk?.model, disk?.children[0]?.path],
    [8000, true, false, false, "ACME Stick", "/dev/sdb1"],
  );
});

Deno.test("an empty USB stick may be written to", () => {
  assert.equal(refusal(raw("sdb", { children: [part("sdb1", { fstype: "vfat" })] })), undefined);
});

Deno.test("the disk that the system runs from is refused, however deep its file systems lie", () => {
  for (const at of ["/", "/boot", "/boot/efi", "/usr", "/home", "/home/me", "/var/lib", "[SWAP]"]) {
    const volume = raw("dm-1", { type: "lvm", tran: null, mountpoints: [at] });
    const crypt = raw("dm-0", { type: "crypt", tran: null, children: [volume] });
    const said = refusal(raw("sda", { children: [part("sda1", { children: [crypt] })] }), true);
    assert.match(said ?? "", at === "[SWAP]" ? /this system swaps to/ : /this system runs from it/, at);
  }
});

Deno.test("a mounted disk is refused with the place, and the hint unmounts it", () => {
  for (const at of ["/media/me/Ventoy", "/mnt/stick", "/run/media/me/x", "/tmp/m", "/srv/x"]) {
    const [disk] = read(raw("sdb", { children: [part("sdb1", { mountpoints: [null, at] })] })) as [
      BlockDevice,
    ];
    const error = refuseDisk({ device: disk, disk });
    assert.match(error?.message ?? "", new RegExp(`/dev/sdb1 is mounted at ${at}`));
    assert.match(error?.hint ?? "", /sudo umount \/dev\/sdb1/);
  }
});

Deno.test("what must not be written to is refused with the reason", () => {
  const member = part("sdb1", { children: [raw("md0", { type: "raid1", mountpoints: [null] })] });
  const cases: [Record<string, unknown>, RegExp][] = [
    [raw("sdb", { children: [member] }), /\/dev\/md0 \(raid1\) is made of it/],
    [raw("sdb", { size: 0 }), /no medium is in it/],
    [raw("sdb", { ro: true }), /read-only/],
    [raw("sr0", { type: "rom" }), /of type rom/],
    [raw("sda", { rm: false, hotplug: false, tran: "sata" }), /neither USB nor removable/],
    [raw("nvme0n1", { rm: false, hotplug: false, tran: null }), /neither USB nor removable/],
  ];
  for (const [device, reason] of cases) assert.match(refusal(device) ?? "", reason);
  assert.equal(refusal(raw("sda", { rm: false, hotplug: false, tran: "sata" }), true), undefined);
});

Deno.test("a partition is refused, and the hint names its disk", () => {
  const [disk] = read(raw("sdb", { children: [part("sdb1")] })) as [BlockDevice];
  const error = refuseDisk({ device: disk.children[0] as BlockDevice, disk });
  assert.match(error?.message ?? "", /it is a partition of \/dev\/sdb/);
  assert.equal(error?.hint, "Name the whole disk: /dev/sdb");
});

Deno.test("Ventoy's layout is known by the beginning of the first partition and the size of the second", () => {
  const [one, two] = read(part("sdb1"), part("sdb2")) as [BlockDevice, BlockDevice];
  const data = { device: one, startSector: 2048, sectors: 1_000_000 };
  const boot = { device: two, startSector: 1_002_048, sectors: 65_536 };
  assert.deepEqual(ventoyLayout([boot, data]), { data: one, boot: two });
  assert.equal(ventoyLayout([data]), undefined);
  assert.equal(ventoyLayout([]), undefined);
  assert.equal(ventoyLayout([{ ...data, startSector: 64 }, boot]), undefined);
  assert.equal(ventoyLayout([data, { ...boot, sectors: 65_535 }]), undefined);
});

Deno.test("the version of Ventoy stands in its boot menu", () => {
  assert.equal(parseVersion('set timeout=0\nset VENTOY_VERSION="1.1.18"\n'), "1.1.18");
  assert.equal(parseVersion("set VENTOY_VERSION=1.0.99\n"), "1.0.99");
  assert.equal(parseVersion("set timeout=0\n"), undefined);
});

Deno.test({
  name: "files of a FAT16 file system are read as mtools wrote them, over many clusters and folders",
  ignore: await which("mkfs.vfat") === undefined || await which("mcopy") === undefined,
  async fn() {
    await using dir = await tempDir({ "menu": `# ${"x".repeat(5000)}\nset VENTOY_VERSION="1.2.3"\n` });
    const image = join(dir.path, "image");
    await run(["mkfs.vfat", "-C", "-F", "16", "-s", "1", "-n", "VTOYEFI", image, "32768"]);
    await run(["mmd", "-i", image, "::/grub"]);
    for (let index = 0; index < 40; index++) {
      await run(["mcopy", "-i", image, join(dir.path, "menu"), `::/grub/a long name ${index}.cfg`]);
    }
    await run(["mcopy", "-i", image, join(dir.path, "menu"), "::/grub/grub.cfg"]);
    const content = await readFat16File(image, ["grub", "grub.cfg"]);
    assert.deepEqual(content, await Deno.readFile(join(dir.path, "menu")));
    assert.equal(await versionOnStick(image), "1.2.3");
    assert.equal(await readFat16File(image, ["grub", "none"]), undefined);
    assert.equal(await readFat16File(image, ["grub"]), undefined);
  },
});

Deno.test("what is no FAT16 file system has no version", async () => {
  await using dir = await tempDir({ "zeros": "\0".repeat(4096), "short": "x" });
  assert.equal(await versionOnStick(join(dir.path, "zeros")), undefined);
  assert.equal(await versionOnStick(join(dir.path, "short")), undefined);
  assert.equal(await versionOnStick(join(dir.path, "none")), undefined);
});
