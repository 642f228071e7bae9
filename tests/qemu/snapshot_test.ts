import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { checkImage, createDisk, createUnopenedOverlay, imageInfo } from "../../lib/qemu/img.ts";
import type { Machine } from "../../lib/qemu/machine.ts";
import { QmpCommandError } from "../../lib/qemu/qmp_error.ts";
import { snapshotDisk } from "../../lib/qemu/snapshot.ts";
import { type RealMachines, realMachines } from "./real_machines.ts";

const diskBytes = 64 * 1024 * 1024;

/** A machine whose disk the test writes to in the guest's place. */
async function startWithDisk(machines: RealMachines, disk: string): Promise<Machine> {
  await createDisk(disk, diskBytes, { qemuImg: machines.host.qemuImg });
  return await machines.start({
    disks: [{ path: disk, format: "qcow2", throwaway: true }],
    // Else the disk's device would be the only one that may write.
    extraArgs: ["-S", "-global", "driver=virtio-blk-device,property=share-rw,value=on"],
  });
}

/** Runs a command of qemu-io on a node of a running machine. */
async function qemuIo(machine: Machine, node: string, command: string): Promise<void> {
  const said = await machine.qmp.execute("human-monitor-command", {
    "command-line": `qemu-io ${node} "${command}"`,
  });
  assert.doesNotMatch(String(said), /error|failed|denied/i);
}

/** Whether a file, with all that is under it, has this byte in its first MiB. */
async function holds(qemuImg: string, file: string, byte: number): Promise<boolean> {
  const raw = `${file}.raw`;
  await run([qemuImg, "convert", "-U", "-f", "qcow2", "-O", "raw", file, raw]);
  const bytes = await Deno.readFile(raw);
  await Deno.remove(raw);
  assert.equal(bytes.length, diskBytes);
  return bytes.subarray(0, 1024 * 1024).every((each) => each === byte);
}

Deno.test("after a snapshot the old file is whole and stays as it is while the machine writes on", async () => {
  await using machines = await realMachines();
  const { qemuImg } = machines.host;
  const [disk, kept, first, second] = ["disk", "kept", "first", "second"].map((name) =>
    join(machines.folder, `${name}.qcow2`)
  ) as [string, string, string, string];
  const machine = await startWithDisk(machines, disk);
  await qemuIo(machine, "disk0", "write -P 0x11 0 1M");
  await createUnopenedOverlay(first, kept, { qemuImg, diskBytes });
  await snapshotDisk(machine.qmp, {
    node: "disk0",
    overlay: first,
    overlayNode: "layer-1",
    throwaway: true,
  });
  // QEMU holds the file and not the name: it may move to where the overlay says it is.
  await Deno.rename(disk, kept);
  await qemuIo(machine, "layer-1", "write -P 0x22 0 1M");

  assert.deepEqual(await checkImage(kept, { qemuImg }), { corruptions: 0, leaks: 0, errors: 0 });
  assert(await holds(qemuImg, kept, 0x11));
  assert.equal((await imageInfo(kept, { qemuImg })).backingFile, undefined);

  await createUnopenedOverlay(second, first, { qemuImg, diskBytes });
  await snapshotDisk(machine.qmp, { node: "layer-1", overlay: second, overlayNode: "layer-2" });
  await qemuIo(machine, "layer-2", "write -P 0x33 0 1M");
  assert.deepEqual(await checkImage(first, { qemuImg }), { corruptions: 0, leaks: 0, errors: 0 });
  assert(await holds(qemuImg, first, 0x22));

  assert.equal((await machine.stop()).code, 0);
  assert(await holds(qemuImg, second, 0x33));
  assert(await holds(qemuImg, kept, 0x11));
});

Deno.test("the disk keeps its options over a snapshot", async () => {
  await using machines = await realMachines();
  const { qemuImg } = machines.host;
  const [disk, overlay] = [join(machines.folder, "disk.qcow2"), join(machines.folder, "overlay.qcow2")];
  const machine = await startWithDisk(machines, disk);
  const active = async () => {
    const devices = await machine.qmp.execute("query-block") as { inserted?: Record<string, unknown> }[];
    const inserted = devices.find((each) => each.inserted !== undefined)?.inserted;
    const { file, cache, detect_zeroes } = inserted as Record<string, unknown>;
    return { file, cache, detect_zeroes };
  };
  const before = await active();
  assert.equal(before.file, disk);
  await createUnopenedOverlay(overlay, disk, { qemuImg, diskBytes });
  await snapshotDisk(machine.qmp, { node: "disk0", overlay, overlayNode: "layer-1", throwaway: true });
  assert.deepEqual(await active(), { ...before, file: overlay });
});

Deno.test("a snapshot that cannot be taken leaves the overlay free and the disk as it was", async () => {
  await using machines = await realMachines();
  const { qemuImg } = machines.host;
  const [disk, overlay] = [join(machines.folder, "disk.qcow2"), join(machines.folder, "overlay.qcow2")];
  const machine = await startWithDisk(machines, disk);
  await createUnopenedOverlay(overlay, disk, { qemuImg, diskBytes });
  const snapshot = (node: string) => snapshotDisk(machine.qmp, { node, overlay, overlayNode: "layer-1" });
  await assert.rejects(snapshot("disk7"), QmpCommandError);
  await qemuIo(machine, "disk0", "write -P 0x11 0 1M");
  await snapshot("disk0");
  await qemuIo(machine, "layer-1", "write -P 0x22 0 1M");
  assert(await holds(qemuImg, disk, 0x11));
});
