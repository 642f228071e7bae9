import assert from "node:assert/strict";
import { runtimeFiles, vmFiles } from "../../lib/paths.ts";
import { qemuArgs } from "../../lib/qemu/args.ts";
import { sudoArgv } from "../../lib/sudo.ts";
import type { VmDefinition } from "../../lib/vm/definition.ts";
import { type Start, vmMachine } from "../../lib/vm/spec.ts";
import { arm, emulatedCpu, linux, mac } from "../qemu/sample.ts";

const definition: VmDefinition = {
  version: 1,
  name: "web",
  created: "2026-01-31T12:00:00Z",
  image: { path: "/images/web.qcow2", format: "qcow2" },
  architecture: "amd64",
  firmware: "bios",
  disk: "overlay",
  memoryMiB: 1024,
  cpus: 2,
  macAddress: "52:54:00:ab:cd:ef",
  network: { kind: "user", forwards: [] },
  shares: [],
  usb: [],
  vnc: false,
  seed: false,
  qemuArgs: [],
  guestSshPort: 22,
};
const start: Start = {
  files: runtimeFiles("/run/pim", "web"),
  folder: vmFiles("/data/vms", "web"),
  network: { kind: "user", forwards: [{ hostPort: 2222, guestPort: 22 }] },
};

/** What the machines of all VMs have in common, from their network card to their entropy. */
const middle = (netdev: string) => [
  ...["-netdev", netdev],
  ...["-device", "virtio-net-pci,netdev=net0,romfile=,addr=0x2,mac=52:54:00:ab:cd:ef"],
  "-chardev",
  "socket,id=serial0,path=/run/pim/web.serial,server=on,wait=off,logfile=/data/vms/web/serial.log,logappend=on",
  ...["-serial", "chardev:serial0"],
  ...["-chardev", "socket,id=qmp0,path=/run/pim/web.qmp,server=on,wait=off"],
  ...["-mon", "chardev=qmp0,mode=control"],
  ...["-device", "virtio-serial-pci,id=ports0,addr=0x3"],
  ...["-chardev", "socket,id=agent0,path=/run/pim/web.ga,server=on,wait=off"],
  ...["-device", "virtserialport,bus=ports0.0,nr=1,chardev=agent0,name=org.qemu.guest_agent.0"],
  ...["-object", "rng-builtin,id=rng0", "-device", "virtio-rng-pci,rng=rng0,addr=0x4"],
];
const disk = (options: string) => [
  "-blockdev",
  `node-name=disk0,driver=qcow2,discard=unmap,detect-zeroes=unmap,${options}` +
  "file.driver=file,file.filename=/data/vms/web/disk.qcow2",
  "-device",
  "virtio-blk-pci,drive=disk0,addr=0x8,bootindex=1",
];
const head = ["-name", "guest=web", "-nodefaults", "-no-user-config"];
const size = ["-smp", "cpus=2", "-m", "1024M", "-rtc", "base=utc"];

Deno.test("a VM on Linux has exactly these arguments: no display, SSH on 127.0.0.1, everything under its name", () => {
  assert.deepEqual(qemuArgs(linux, vmMachine(linux, definition, start)), [
    ...["/usr/bin/qemu-system-x86_64", ...head],
    ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", emulatedCpu],
    ...size,
    ...["-display", "none", "-device", "VGA,addr=0x1"],
    ...middle("user,id=net0,hostfwd=tcp:127.0.0.1:2222-:22"),
    ...disk(""),
    ...["-pidfile", "/run/pim/web.pid"],
  ]);
});

Deno.test("a bridged VM on a Mac runs under sudo, not as a daemon, with vmnet and its own UEFI variables", () => {
  const vm: VmDefinition = {
    ...definition,
    architecture: "arm64",
    firmware: "uefi",
    network: { kind: "bridged" },
  };
  const network = { kind: "vmnet", interface: "en0" } as const;
  const argv = sudoArgv(qemuArgs(mac, vmMachine(mac, vm, { ...start, network })));
  assert.deepEqual(argv.slice(0, 4), ["sudo", "-n", "--", mac.qemu]);
  assert.deepEqual(argv.slice(4), [
    ...head,
    ...["-machine", "virt,pflash0=pflash0,pflash1=pflash1", "-accel", "hvf", "-cpu", "host"],
    "-blockdev",
    `node-name=pflash0,driver=${mac.firmware?.codeFormat},read-only=on,file.driver=file,file.filename=${mac.firmware?.codePath}`,
    "-blockdev",
    `node-name=pflash1,driver=${mac.firmware?.varsFormat},read-only=off,file.driver=file,file.filename=/data/vms/web/efi-vars.fd`,
    ...size,
    ...["-display", "none"],
    ...middle("vmnet-bridged,id=net0,ifname=en0"),
    ...disk(""),
    ...["-pidfile", "/run/pim/web.pid"],
  ]);
  assert.ok(!argv.includes("-daemonize"));
});

Deno.test("a VM for arm64 on Linux has its architecture's machine, firmware and no VGA card", () => {
  const vm: VmDefinition = { ...definition, architecture: "arm64", firmware: "uefi" };
  const argv = qemuArgs(arm, vmMachine(arm, vm, start));
  assert.equal(argv[0], arm.qemu);
  assert.match(argv[argv.indexOf("-machine") + 1] ?? "", /^virt,gic-version=max,pflash0=pflash0/);
  assert.ok(argv.some((word) => word.endsWith("file.filename=/data/vms/web/efi-vars.fd")));
  assert.ok(!argv.some((word) => word.startsWith("VGA")));
});

Deno.test("a seed is a second disk that cannot be written; a disk that is thrown away waits for no platter", () => {
  const vm: VmDefinition = { ...definition, disk: "snapshot", seed: true, qemuArgs: ["-S"] };
  const argv = qemuArgs(linux, vmMachine(linux, vm, { ...start, vncPort: 5901 }));
  const tail = argv.slice(argv.indexOf("virtio-rng-pci,rng=rng0,addr=0x4") + 1);
  assert.deepEqual(tail, [
    ...disk("cache.direct=off,cache.no-flush=on,"),
    "-blockdev",
    "node-name=disk1,driver=raw,read-only=on,file.driver=file,file.filename=/data/vms/web/seed.iso",
    "-device",
    "virtio-blk-pci,drive=disk1,addr=0x9,bootindex=2",
    ...["-pidfile", "/run/pim/web.pid", "-S"],
  ]);
  assert.equal(argv[argv.indexOf("-vnc") + 1], "127.0.0.1:1");
});
