import assert from "node:assert/strict";
import { type MachineSpec, qemuArgs } from "../../lib/qemu/args.ts";
import type { QemuHost } from "../../lib/qemu/host.ts";

const linux: QemuHost = {
  platform: "linux",
  architecture: "amd64",
  hostArchitecture: "amd64",
  qemu: "/usr/bin/qemu-system-x86_64",
  version: { major: 8, minor: 2, micro: 1, text: "8.2.1" },
  qemuImg: "/usr/bin/qemu-img",
  accelerator: { name: "tcg", reason: "a test" },
};
const ovmf = {
  codePath: "/fw/code.fd",
  codeFormat: "raw",
  varsTemplate: "/fw/vars.fd",
  varsFormat: "raw",
  requiresSmm: false,
} as const;
const arm: QemuHost = {
  ...linux,
  architecture: "arm64",
  qemu: "/usr/bin/qemu-system-aarch64",
  firmware: { ...ovmf, codeFormat: "qcow2", varsFormat: "qcow2" },
};
const mac: QemuHost = { ...arm, platform: "darwin", hostArchitecture: "arm64", accelerator: { name: "hvf" } };

const machine: MachineSpec = {
  name: "web",
  memoryMiB: 2048,
  cpus: 2,
  disks: [{ path: "/d/a.qcow2", format: "qcow2" }],
  forwards: [{ hostPort: 40022, guestPort: 22 }],
  efiVars: "/d/vars",
  serial: { socket: "/r/web.serial", log: "/r/web.serial.log" },
  qmpSocket: "/r/web.qmp",
  agentSocket: "/r/web.ga",
};

/** What every machine has between its display and its disks. */
const middle = [
  "-netdev",
  "user,id=net0,hostfwd=tcp:127.0.0.1:40022-:22",
  "-device",
  "virtio-net-pci,netdev=net0,romfile=,addr=0x2",
  "-chardev",
  "socket,id=serial0,path=/r/web.serial,server=on,wait=off,logfile=/r/web.serial.log,logappend=on",
  "-serial",
  "chardev:serial0",
  "-chardev",
  "socket,id=qmp0,path=/r/web.qmp,server=on,wait=off",
  "-mon",
  "chardev=qmp0,mode=control",
  "-device",
  "virtio-serial-pci,id=ports0,addr=0x3",
  "-chardev",
  "socket,id=agent0,path=/r/web.ga,server=on,wait=off",
  "-device",
  "virtserialport,bus=ports0.0,nr=1,chardev=agent0,name=org.qemu.guest_agent.0",
  "-object",
  "rng-builtin,id=rng0",
  "-device",
  "virtio-rng-pci,rng=rng0,addr=0x4",
];
const disk = [
  "-blockdev",
  "node-name=disk0,driver=qcow2,discard=unmap,detect-zeroes=unmap,file.driver=file,file.filename=/d/a.qcow2",
  "-device",
  "virtio-blk-pci,drive=disk0,addr=0x8,bootindex=1",
];
const head = (qemu: string) => [qemu, "-name", "guest=web", "-nodefaults", "-no-user-config"];
const size = ["-smp", "cpus=2", "-m", "2048M", "-rtc", "base=utc"];

Deno.test("amd64 with BIOS under TCG has exactly these arguments", () => {
  assert.deepEqual(qemuArgs(linux, machine), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", "max"],
    ...size,
    ...["-display", "none", "-device", "VGA,addr=0x1"],
    ...middle,
    ...disk,
  ]);
});

Deno.test("amd64 with UEFI under KVM adds the two flash chips", () => {
  assert.deepEqual(qemuArgs({ ...linux, accelerator: { name: "kvm" }, firmware: ovmf }, machine), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35,pflash0=pflash0,pflash1=pflash1", "-accel", "kvm", "-cpu", "host"],
    "-blockdev",
    "node-name=pflash0,driver=raw,read-only=on,file.driver=file,file.filename=/fw/code.fd",
    "-blockdev",
    "node-name=pflash1,driver=raw,read-only=off,file.driver=file,file.filename=/d/vars",
    ...size,
    ...["-display", "none", "-device", "VGA,addr=0x1"],
    ...middle,
    ...disk,
  ]);
});

const armFlash = [
  "-blockdev",
  "node-name=pflash0,driver=qcow2,read-only=on,file.driver=file,file.filename=/fw/code.fd",
  "-blockdev",
  "node-name=pflash1,driver=qcow2,read-only=off,file.driver=file,file.filename=/d/vars",
];

Deno.test("arm64 with UEFI under TCG has exactly these arguments", () => {
  assert.deepEqual(qemuArgs(arm, machine), [
    ...head("/usr/bin/qemu-system-aarch64"),
    "-machine",
    "virt,gic-version=max,pflash0=pflash0,pflash1=pflash1",
    ...["-accel", "tcg,thread=multi", "-cpu", "max,pauth-impdef=on"],
    ...armFlash,
    ...size,
    ...["-display", "none"],
    ...middle,
    ...disk,
  ]);
});

Deno.test("arm64 on a Mac runs under HVF with virt's own interrupt controller", () => {
  assert.deepEqual(qemuArgs(mac, machine), [
    ...head("/usr/bin/qemu-system-aarch64"),
    ...["-machine", "virt,pflash0=pflash0,pflash1=pflash1", "-accel", "hvf", "-cpu", "host"],
    ...armFlash,
    ...size,
    ...["-display", "none"],
    ...middle,
    ...disk,
  ]);
});

/** The accelerator part of an argv. */
function platform(host: QemuHost): string[] {
  const argv = qemuArgs(host, machine);
  const from = argv.indexOf("-machine");
  return argv.slice(from, argv.indexOf("-cpu") + 2);
}

Deno.test("every other pairing of guest, firmware and accelerator has its own platform arguments", () => {
  const kvm = { name: "kvm" } as const;
  const hvf = { name: "hvf" } as const;
  const cases: [QemuHost, string][] = [
    [{ ...linux, accelerator: kvm }, "-machine q35 -accel kvm -cpu host"],
    [
      { ...linux, firmware: ovmf },
      "-machine q35,pflash0=pflash0,pflash1=pflash1 -accel tcg,thread=multi -cpu max",
    ],
    [
      { ...linux, firmware: { ...ovmf, requiresSmm: true } },
      "-machine q35,pflash0=pflash0,pflash1=pflash1,smm=on -global driver=cfi.pflash01,property=secure,value=on " +
      "-accel tcg,thread=multi -cpu max",
    ],
    [{ ...linux, platform: "darwin", accelerator: hvf }, "-machine q35 -accel hvf -cpu host"],
    [
      { ...linux, platform: "darwin", accelerator: hvf, firmware: ovmf },
      "-machine q35,pflash0=pflash0,pflash1=pflash1 -accel hvf -cpu host",
    ],
    [{ ...linux, platform: "darwin" }, "-machine q35 -accel tcg,thread=multi -cpu max"],
    [
      { ...arm, accelerator: kvm },
      "-machine virt,gic-version=max,pflash0=pflash0,pflash1=pflash1 -accel kvm -cpu host",
    ],
    [
      { ...mac, accelerator: { name: "tcg" } },
      "-machine virt,gic-version=max,pflash0=pflash0,pflash1=pflash1 -accel tcg,thread=multi -cpu max,pauth-impdef=on",
    ],
  ];
  for (const [host, expected] of cases) assert.equal(platform(host).join(" "), expected);
});

Deno.test("an install phase adds its CD, throw-away disk, kernel and -no-reboot, and extra arguments last", () => {
  const argv = qemuArgs(linux, {
    ...machine,
    disks: [{ path: "/d/a.qcow2", format: "qcow2", throwaway: true }],
    cdrom: "/iso/debian.iso",
    kernel: { kernel: "/k/linux", initrd: "/k/initrd.gz", append: "auto=true --- quiet" },
    noReboot: true,
    pidFile: "/r/web.pid",
    extraArgs: ["-device", "virtio-balloon-pci,addr=0x10"],
  });
  assert.deepEqual(argv.slice(argv.indexOf("virtio-rng-pci,rng=rng0,addr=0x4") + 1), [
    "-blockdev",
    "node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=/iso/debian.iso",
    "-device",
    "ide-cd,bus=ide.0,drive=cdrom0,bootindex=100",
    "-blockdev",
    "node-name=disk0,driver=qcow2,discard=unmap,detect-zeroes=unmap,cache.direct=off,cache.no-flush=on," +
    "file.driver=file,file.filename=/d/a.qcow2",
    "-device",
    "virtio-blk-pci,drive=disk0,addr=0x8,bootindex=1",
    ...["-kernel", "/k/linux", "-initrd", "/k/initrd.gz", "-append", "auto=true --- quiet"],
    "-no-reboot",
    ...["-pidfile", "/r/web.pid"],
    ...["-device", "virtio-balloon-pci,addr=0x10"],
  ]);
});

Deno.test("arm64 has its CD on a SCSI controller and VNC with a keyboard", () => {
  const argv = qemuArgs(arm, { ...machine, cdrom: "/iso/a.iso", display: { vncPort: 5907 } }).join(" ");
  assert.match(
    argv,
    / -device virtio-scsi-pci,id=scsi0,addr=0x5 -device scsi-cd,bus=scsi0.0,drive=cdrom0,bootindex=100 /,
  );
  assert.match(
    argv,
    / -vnc 127\.0\.0\.1:7 -device virtio-gpu-pci,addr=0x1 -device qemu-xhci,id=usb0,addr=0x6 -device usb-kbd,bus=usb0\.0 -device usb-tablet,bus=usb0\.0 /,
  );
});

Deno.test("disks have fixed slots and names in their order, and a read-only one is never written", () => {
  const argv = qemuArgs(linux, {
    ...machine,
    disks: [
      { path: "/d/a.qcow2", format: "qcow2" },
      { path: "/d/b.raw", format: "raw", readonly: true },
    ],
  });
  assert.deepEqual(argv.slice(-4), [
    "-blockdev",
    "node-name=disk1,driver=raw,read-only=on,file.driver=file,file.filename=/d/b.raw",
    "-device",
    "virtio-blk-pci,drive=disk1,addr=0x9,bootindex=2",
  ]);
  const disks = Array.from({ length: 9 }, (_, index) => ({ path: `/d/${index}`, format: "raw" as const }));
  assert.throws(() => qemuArgs(linux, { ...machine, disks }), /room for 8/);
});

Deno.test("commas in names and paths are doubled, as QEMU's option parser wants them", () => {
  const argv = qemuArgs({ ...linux, firmware: { ...ovmf, codePath: "/f,w/c" } }, {
    ...machine,
    name: "a,b",
    disks: [{ path: "/x,y.raw", format: "raw" }],
    cdrom: "/i,so",
    efiVars: "/v,ars",
    serial: { socket: "/s,1", log: "/l,1" },
    qmpSocket: "/q,1",
    agentSocket: "/g,1",
  }).join(" ");
  for (
    const part of ["guest=a,,b", "/x,,y.raw", "/i,,so", "/v,,ars", "/f,,w/c", "path=/s,,1,", "logfile=/l,,1,"]
  ) {
    assert(argv.includes(part), part);
  }
  assert(argv.includes("path=/q,,1,") && argv.includes("path=/g,,1,"));
});

Deno.test("every forward is bound to the loopback, and none at all is allowed", () => {
  const netdev = (spec: MachineSpec) => {
    const argv = qemuArgs(linux, spec);
    return argv[argv.indexOf("-netdev") + 1];
  };
  const forwards = [{ hostPort: 1, guestPort: 22 }, { hostPort: 2, guestPort: 80 }];
  assert.equal(
    netdev({ ...machine, forwards }),
    "user,id=net0,hostfwd=tcp:127.0.0.1:1-:22,hostfwd=tcp:127.0.0.1:2-:80",
  );
  assert.equal(netdev({ ...machine, forwards: undefined }), "user,id=net0");
});

Deno.test("a serial console on the terminal does not end QEMU on Ctrl-C", () => {
  const argv = qemuArgs(linux, { ...machine, serial: "stdio" });
  assert.equal(argv[argv.indexOf("-serial") - 1], "stdio,id=serial0,signal=off");
});

Deno.test("a UEFI machine without a file for its variables is refused", () => {
  assert.throws(() => qemuArgs(arm, { ...machine, efiVars: undefined }), /web: a UEFI machine needs a file/);
});
