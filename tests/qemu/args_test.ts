import assert from "node:assert/strict";
import { type MachineSpec, qemuArgs } from "../../lib/qemu/args.ts";
import type { QemuHost } from "../../lib/qemu/host.ts";
import { arm, emulatedCpu, intelMac, linux, mac, machine, ovmf } from "./sample.ts";

/** What every machine has between its display and its disks, on this network. */
const middle = (netdev: string, card = "virtio-net-pci,netdev=net0,romfile=,addr=0x2") => [
  ...["-netdev", netdev],
  ...["-device", card],
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
const userNet = middle("user,id=net0,hostfwd=tcp:127.0.0.1:40022-:22");
const disk = [
  "-blockdev",
  "node-name=disk0,driver=qcow2,discard=unmap,detect-zeroes=unmap,file.driver=file,file.filename=/d/a.qcow2",
  "-device",
  "virtio-blk-pci,drive=disk0,addr=0x8,bootindex=1",
];
const head = (qemu: string) => [qemu, "-name", "guest=web", "-nodefaults", "-no-user-config"];
const size = ["-smp", "cpus=2", "-m", "2048M", "-rtc", "base=utc"];
const vga = ["-display", "none", "-device", "VGA,addr=0x1"];

/** The two flash chips of UEFI: its code, and the machine's own variables. */
const flash = (format: string) => [
  "-blockdev",
  `node-name=pflash0,driver=${format},read-only=on,file.driver=file,file.filename=/fw/code.fd`,
  "-blockdev",
  `node-name=pflash1,driver=${format},read-only=off,file.driver=file,file.filename=/d/vars`,
];

Deno.test("amd64 with BIOS under TCG has exactly these arguments", () => {
  assert.deepEqual(qemuArgs(linux, machine), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", emulatedCpu],
    ...size,
    ...vga,
    ...userNet,
    ...disk,
  ]);
});

Deno.test("amd64 with UEFI under TCG has exactly these arguments", () => {
  assert.deepEqual(qemuArgs({ ...linux, firmware: ovmf }, machine), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35,pflash0=pflash0,pflash1=pflash1", "-accel", "tcg,thread=multi", "-cpu", emulatedCpu],
    ...flash("raw"),
    ...size,
    ...vga,
    ...userNet,
    ...disk,
  ]);
});

Deno.test("amd64 with BIOS under KVM, on a bridge, has exactly these arguments", () => {
  const network = { kind: "bridge", bridge: "br0", helper: "/usr/lib/qemu/qemu-bridge-helper" } as const;
  const host: QemuHost = { ...linux, accelerator: { name: "kvm" } };
  assert.deepEqual(qemuArgs(host, { ...machine, network, macAddress: "52:54:00:01:02:03" }), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35", "-accel", "kvm", "-cpu", "host"],
    ...size,
    ...vga,
    ...middle(
      "bridge,id=net0,br=br0,helper=/usr/lib/qemu/qemu-bridge-helper",
      "virtio-net-pci,netdev=net0,romfile=,addr=0x2,mac=52:54:00:01:02:03",
    ),
    ...disk,
  ]);
});

Deno.test("amd64 with UEFI under KVM adds the two flash chips", () => {
  assert.deepEqual(qemuArgs({ ...linux, accelerator: { name: "kvm" }, firmware: ovmf }, machine), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35,pflash0=pflash0,pflash1=pflash1", "-accel", "kvm", "-cpu", "host"],
    ...flash("raw"),
    ...size,
    ...vga,
    ...userNet,
    ...disk,
  ]);
});

Deno.test("arm64 with UEFI under TCG has exactly these arguments", () => {
  assert.deepEqual(qemuArgs(arm, machine), [
    ...head("/usr/bin/qemu-system-aarch64"),
    "-machine",
    "virt,gic-version=max,pflash0=pflash0,pflash1=pflash1",
    ...["-accel", "tcg,thread=multi", "-cpu", "max,pauth-impdef=on"],
    ...flash("qcow2"),
    ...size,
    ...["-display", "none"],
    ...userNet,
    ...disk,
  ]);
});

Deno.test("arm64 on an arm64 Linux host runs under KVM", () => {
  const host: QemuHost = { ...arm, hostArchitecture: "arm64", accelerator: { name: "kvm" } };
  assert.deepEqual(qemuArgs(host, { ...machine, network: { kind: "tap", interface: "tap0" } }), [
    ...head("/usr/bin/qemu-system-aarch64"),
    "-machine",
    "virt,gic-version=max,pflash0=pflash0,pflash1=pflash1",
    ...["-accel", "kvm", "-cpu", "host"],
    ...flash("qcow2"),
    ...size,
    ...["-display", "none"],
    ...middle("tap,id=net0,ifname=tap0,script=no,downscript=no"),
    ...disk,
  ]);
});

Deno.test("arm64 on a Mac runs under HVF with virt's own interrupt controller, bridged by vmnet", () => {
  assert.deepEqual(
    qemuArgs(mac, {
      ...machine,
      network: { kind: "vmnet", interface: "en0" },
      macAddress: "52:54:00:01:02:03",
      pidFile: "/r/web.pid",
    }),
    [
      ...head("/opt/homebrew/bin/qemu-system-aarch64"),
      ...["-machine", "virt,pflash0=pflash0,pflash1=pflash1", "-accel", "hvf", "-cpu", "host"],
      ...flash("qcow2"),
      ...size,
      ...["-display", "none"],
      ...middle(
        "vmnet-bridged,id=net0,ifname=en0",
        "virtio-net-pci,netdev=net0,romfile=,addr=0x2,mac=52:54:00:01:02:03",
      ),
      ...disk,
      ...["-pidfile", "/r/web.pid"],
    ],
  );
});

Deno.test("amd64 on a Mac with Intel's processor runs under HVF, on any network", () => {
  const argv = (netdev: string[]) => [
    ...head("/usr/local/bin/qemu-system-x86_64"),
    ...["-machine", "q35", "-accel", "hvf", "-cpu", "host"],
    ...size,
    ...vga,
    ...netdev,
    ...disk,
  ];
  assert.deepEqual(qemuArgs(intelMac, machine), argv(userNet));
  assert.deepEqual(
    qemuArgs(intelMac, { ...machine, network: { kind: "vmnet", interface: "en1" } }),
    argv(middle("vmnet-bridged,id=net0,ifname=en1")),
  );
});

/** The accelerator part of an argv. */
function platform(host: QemuHost): string[] {
  const argv = qemuArgs(host, machine);
  const from = argv.indexOf("-machine");
  return argv.slice(from, argv.indexOf("-cpu") + 2);
}

Deno.test("every other pairing of guest, firmware and accelerator has its own platform arguments", () => {
  const tcg = { name: "tcg" } as const;
  const cases: [QemuHost, string][] = [
    [
      { ...linux, firmware: { ...ovmf, requiresSmm: true } },
      "-machine q35,pflash0=pflash0,pflash1=pflash1,smm=on -global driver=cfi.pflash01,property=secure,value=on " +
      `-accel tcg,thread=multi -cpu ${emulatedCpu}`,
    ],
    [
      { ...intelMac, firmware: ovmf },
      "-machine q35,pflash0=pflash0,pflash1=pflash1 -accel hvf -cpu host",
    ],
    [{ ...intelMac, accelerator: tcg }, `-machine q35 -accel tcg,thread=multi -cpu ${emulatedCpu}`],
    [
      { ...mac, accelerator: tcg },
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
    extraArgs: ["-device", "virtio-balloon-pci,addr=0x18"],
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
    ...["-device", "virtio-balloon-pci,addr=0x18"],
  ]);
});

Deno.test("a machine that is resumed waits for its state, and a number of its own tells amd64 guests that it is another", () => {
  const resumed: MachineSpec = { ...machine, incoming: true, generationId: true, noReboot: true };
  const rng = "virtio-rng-pci,rng=rng0,addr=0x4";
  const after = (argv: string[]) => argv.slice(argv.indexOf(rng) + 1);
  const incoming = ["-S", "-incoming", "defer", "-no-reboot"];
  assert.deepEqual(after(qemuArgs(linux, resumed)), ["-device", "vmgenid,guid=auto", ...disk, ...incoming]);
  assert.deepEqual(after(qemuArgs(arm, resumed)), [...disk, ...incoming]);
});

Deno.test("a machine with every option has exactly these arguments", () => {
  const whole: MachineSpec = {
    ...machine,
    network: { kind: "tap", interface: "tap0" },
    macAddress: "52:54:00:01:02:03",
    display: { vncPort: 5907 },
    usb: [{ vendorId: "0781", productId: "5567" }],
    shares: [{ path: "/srv/src", tag: "src", readonly: true }],
    cdrom: "/iso/a.iso",
    extraArgs: ["-snapshot"],
  };
  assert.deepEqual(qemuArgs(linux, whole), [
    ...head("/usr/bin/qemu-system-x86_64"),
    ...["-machine", "q35", "-accel", "tcg,thread=multi", "-cpu", emulatedCpu],
    ...size,
    ...["-vnc", "127.0.0.1:7", "-device", "VGA,addr=0x1"],
    ...["-device", "qemu-xhci,id=usb0,p2=15,p3=15,addr=0x6"],
    ...["-device", "usb-kbd,bus=usb0.0", "-device", "usb-tablet,bus=usb0.0"],
    ...["-device", "usb-host,bus=usb0.0,vendorid=0x0781,productid=0x5567"],
    ...middle(
      "tap,id=net0,ifname=tap0,script=no,downscript=no",
      "virtio-net-pci,netdev=net0,romfile=,addr=0x2,mac=52:54:00:01:02:03",
    ),
    "-blockdev",
    "node-name=cdrom0,driver=raw,read-only=on,file.driver=file,file.filename=/iso/a.iso",
    ...["-device", "ide-cd,bus=ide.0,drive=cdrom0,bootindex=100"],
    ...disk,
    "-fsdev",
    "local,id=share0,path=/srv/src,security_model=none,multidevs=remap,readonly=on",
    ...["-device", "virtio-9p-pci,fsdev=share0,mount_tag=src,addr=0x10"],
    "-snapshot",
  ]);
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
    shares: [{ path: "/h,1", tag: "t,1" }],
    network: { kind: "bridge", bridge: "b,1", helper: "/b,2" },
  }).join(" ");
  const expected = [
    ...["guest=a,,b", "/x,,y.raw", "/i,,so", "/v,,ars", "/f,,w/c", "path=/s,,1,", "logfile=/l,,1,"],
    ...["path=/q,,1,", "path=/g,,1,", "path=/h,,1,", "mount_tag=t,,1,", "br=b,,1,helper=/b,,2 "],
  ];
  for (const part of expected) assert(argv.includes(part), part);
});

Deno.test("a UEFI machine without a file for its variables is refused", () => {
  assert.throws(() => qemuArgs(arm, { ...machine, efiVars: undefined }), /web: a UEFI machine needs a file/);
});
