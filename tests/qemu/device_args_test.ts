import assert from "node:assert/strict";
import { cdromArgs, diskArgs, displayArgs, shareArgs } from "../../lib/qemu/device_args.ts";
import { arm, linux, machine } from "./sample.ts";

const stick = { vendorId: "0781", productId: "5567" };

Deno.test("amd64 always has a VGA card and its CD on the chipset's own controller", () => {
  assert.deepEqual(displayArgs(linux, machine), ["-display", "none", "-device", "VGA,addr=0x1"]);
  assert.deepEqual(cdromArgs(linux, { ...machine, cdrom: "/iso/a.iso" }), [
    "-blockdev",
    "node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=/iso/a.iso",
    ...["-device", "ide-cd,bus=ide.0,drive=cdrom0,bootindex=100"],
  ]);
  assert.deepEqual(cdromArgs(linux, machine), []);
});

Deno.test("arm64 has its CD on a SCSI controller and VNC with a keyboard", () => {
  assert.deepEqual(cdromArgs(arm, { ...machine, cdrom: "/iso/a.iso" }), [
    "-blockdev",
    "node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=/iso/a.iso",
    ...["-device", "virtio-scsi-pci,id=scsi0,addr=0x5"],
    ...["-device", "scsi-cd,bus=scsi0.0,drive=cdrom0,bootindex=100"],
  ]);
  assert.deepEqual(displayArgs(arm, { ...machine, display: { vncPort: 5907 } }), [
    ...["-vnc", "127.0.0.1:7"],
    ...["-device", "virtio-gpu-pci,addr=0x1"],
    ...["-device", "qemu-xhci,id=usb0,p2=15,p3=15,addr=0x6"],
    ...["-device", "usb-kbd,bus=usb0.0", "-device", "usb-tablet,bus=usb0.0"],
  ]);
});

Deno.test("USB devices of the host are on one controller, with a display and without", () => {
  const controller = ["-device", "qemu-xhci,id=usb0,p2=15,p3=15,addr=0x6"];
  const passed = ["-device", "usb-host,bus=usb0.0,vendorid=0x0781,productid=0x5567"];
  assert.deepEqual(displayArgs(arm, { ...machine, usb: [stick] }), [
    ...["-display", "none"],
    ...controller,
    ...passed,
  ]);
  const other = { vendorId: "ABCD", productId: "00ef" };
  assert.deepEqual(displayArgs(linux, { ...machine, display: { vncPort: 5900 }, usb: [stick, other] }), [
    ...["-vnc", "127.0.0.1:0", "-device", "VGA,addr=0x1"],
    ...controller,
    ...["-device", "usb-kbd,bus=usb0.0", "-device", "usb-tablet,bus=usb0.0"],
    ...passed,
    ...["-device", "usb-host,bus=usb0.0,vendorid=0xabcd,productid=0x00ef"],
  ]);
});

Deno.test("USB ids that are not four hex digits, and more devices than there are ports, are refused", () => {
  for (const id of ["781", "07811", "zzzz", "1,a=", "0x07"]) {
    const expected = /Not an id of a USB device: ".*" has to be four hex digits/;
    assert.throws(() => displayArgs(linux, { ...machine, usb: [{ ...stick, vendorId: id }] }), expected);
    assert.throws(() => displayArgs(linux, { ...machine, usb: [{ ...stick, productId: id }] }), expected);
  }
  assert.throws(() => displayArgs(linux, { ...machine, usb: Array(9).fill(stick) }), /room for 8/);
});

Deno.test("disks have fixed slots and names in their order, and a read-only one is never written", () => {
  const disks = [
    { path: "/d/a.qcow2", format: "qcow2" },
    { path: "/d/b.raw", format: "raw", readonly: true },
    { path: "/d/c.qcow2", format: "qcow2", throwaway: true },
  ] as const;
  assert.deepEqual(diskArgs(disks), [
    "-blockdev",
    "node-name=disk0,driver=qcow2,discard=unmap,detect-zeroes=unmap,file.driver=file,file.filename=/d/a.qcow2",
    ...["-device", "virtio-blk-pci,drive=disk0,addr=0x8,bootindex=1"],
    "-blockdev",
    "node-name=disk1,driver=raw,read-only=on,file.driver=file,file.filename=/d/b.raw",
    ...["-device", "virtio-blk-pci,drive=disk1,addr=0x9,bootindex=2"],
    "-blockdev",
    "node-name=disk2,driver=qcow2,discard=unmap,detect-zeroes=unmap,cache.direct=off,cache.no-flush=on," +
    "file.driver=file,file.filename=/d/c.qcow2",
    ...["-device", "virtio-blk-pci,drive=disk2,addr=0xa,bootindex=3"],
  ]);
  const many = Array.from({ length: 9 }, (_, index) => ({ path: `/d/${index}`, format: "raw" as const }));
  assert.equal(diskArgs(many.slice(1)).at(-1), "virtio-blk-pci,drive=disk7,addr=0xf,bootindex=8");
  assert.throws(() => diskArgs(many), /room for 8/);
});

Deno.test("shared folders have fixed slots behind the disks, and a read-only one is QEMU's to guard", () => {
  assert.deepEqual(shareArgs([{ path: "/srv/a", tag: "a" }, { path: "/srv/b", tag: "b", readonly: true }]), [
    ...["-fsdev", "local,id=share0,path=/srv/a,security_model=none,multidevs=remap"],
    ...["-device", "virtio-9p-pci,fsdev=share0,mount_tag=a,addr=0x10"],
    ...["-fsdev", "local,id=share1,path=/srv/b,security_model=none,multidevs=remap,readonly=on"],
    ...["-device", "virtio-9p-pci,fsdev=share1,mount_tag=b,addr=0x11"],
  ]);
  const many = Array.from({ length: 9 }, (_, index) => ({ path: `/s/${index}`, tag: `${index}` }));
  assert.equal(shareArgs(many.slice(1)).at(-1), "virtio-9p-pci,fsdev=share7,mount_tag=8,addr=0x17");
  assert.throws(() => shareArgs(many), /room for 8/);
});

Deno.test("a share's tag has at most 31 bytes and is used once", () => {
  const share = (tag: string) => ({ path: "/srv", tag });
  assert.equal(shareArgs([share("x".repeat(31))]).length, 4);
  for (const tag of ["", "x".repeat(32), "ä".repeat(16)]) {
    assert.throws(() => shareArgs([share(tag)]), /Cannot share \/srv as ".*": a tag has 1 to 31 bytes/);
  }
  assert.throws(() => shareArgs([share("a"), share("b"), share("a")]), /could mount only one of them/);
});
