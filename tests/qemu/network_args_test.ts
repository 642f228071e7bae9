import assert from "node:assert/strict";
import type { MachineSpec } from "../../lib/qemu/machine_spec.ts";
import { networkArgs } from "../../lib/qemu/network_args.ts";
import { machine } from "./sample.ts";

const card = ["-device", "virtio-net-pci,netdev=net0,romfile=,addr=0x2"];
const args = (network: MachineSpec["network"]) => networkArgs({ ...machine, network });

Deno.test("every forward is bound to the loopback, and none at all is allowed", () => {
  assert.deepEqual(
    args({
      kind: "user",
      forwards: [
        { hostPort: 1, guestPort: 22 },
        { protocol: "tcp", hostPort: 2, guestPort: 80 },
        { protocol: "udp", hostPort: 2, guestPort: 53 },
      ],
    }),
    [
      "-netdev",
      "user,id=net0,hostfwd=tcp:127.0.0.1:1-:22,hostfwd=tcp:127.0.0.1:2-:80,hostfwd=udp:127.0.0.1:2-:53",
      ...card,
    ],
  );
  assert.deepEqual(args({ kind: "user" }), ["-netdev", "user,id=net0", ...card]);
  assert.deepEqual(args(undefined), ["-netdev", "user,id=net0", ...card]);
});

Deno.test("a bridge is joined through the helper, by its path or where QEMU expects it", () => {
  const helper = "/usr/libexec/qemu-bridge-helper";
  assert.deepEqual(args({ kind: "bridge", bridge: "br0", helper }), [
    ...["-netdev", "bridge,id=net0,br=br0,helper=/usr/libexec/qemu-bridge-helper"],
    ...card,
  ]);
  assert.deepEqual(args({ kind: "bridge", bridge: "br0" }), ["-netdev", "bridge,id=net0,br=br0", ...card]);
});

Deno.test("a tap device runs no scripts, and a Mac's interface is bridged by vmnet", () => {
  assert.deepEqual(args({ kind: "tap", interface: "tap0" }), [
    ...["-netdev", "tap,id=net0,ifname=tap0,script=no,downscript=no"],
    ...card,
  ]);
  assert.deepEqual(args({ kind: "vmnet", interface: "en0" }), [
    ...["-netdev", "vmnet-bridged,id=net0,ifname=en0"],
    ...card,
  ]);
});

Deno.test("a hardware address is the card's, and no value can add an option of its own", () => {
  assert.deepEqual(networkArgs({ ...machine, network: undefined, macAddress: "52:54:00:aa:bb:cc" }), [
    ...["-netdev", "user,id=net0"],
    ...["-device", "virtio-net-pci,netdev=net0,romfile=,addr=0x2,mac=52:54:00:aa:bb:cc"],
  ]);
  const tap = args({ kind: "tap", interface: "a,script=/x" });
  assert.equal(tap[1], "tap,id=net0,ifname=a,,script=/x,script=no,downscript=no");
  assert.equal(args({ kind: "vmnet", interface: "a,b" })[1], "vmnet-bridged,id=net0,ifname=a,,b");
});
