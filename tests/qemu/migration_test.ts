import assert from "node:assert/strict";
import { join } from "node:path";
import { CancelledError, PimError } from "../../lib/errors.ts";
import { exists } from "../../lib/files.ts";
import type { Machine } from "../../lib/qemu/machine.ts";
import { loadState, saveState, StateTooLargeError } from "../../lib/qemu/migration.ts";
import { QmpCommandError } from "../../lib/qemu/qmp_error.ts";
import { counterAddress, countingBootSector, markAddress, runsMark } from "./boot_sector.ts";
import { type RealMachines, realMachines } from "./real_machines.ts";

const MiB = 1024 * 1024;

/** The 32-bit number at an address of the guest's memory. */
async function peek(machine: Machine, address: number): Promise<number> {
  const line = await machine.qmp.execute("human-monitor-command", { "command-line": `xp /1wx ${address}` });
  return Number(String(line).trim().split(" ").at(-1));
}

async function status(machine: Machine): Promise<string> {
  return (await machine.qmp.execute("query-status") as { status: string }).status;
}

/** A disk whose guest counts, with `folder` to work in. */
async function countingDisk(machines: RealMachines) {
  const path = join(machines.folder, "disk.raw");
  const disk = new Uint8Array(MiB);
  disk.set(countingBootSector());
  await Deno.writeFile(path, disk);
  return [{ path, format: "raw" }] as const;
}

/** Waits until the guest of a machine counts. */
async function untilItCounts(machine: Machine): Promise<void> {
  while (await peek(machine, markAddress) !== runsMark || await peek(machine, counterAddress) < 1000) {
    assert.equal(await status(machine), "running");
  }
}

Deno.test("a machine runs on from a saved state in another QEMU, and after it in its own", async () => {
  await using machines = await realMachines();
  const disks = await countingDisk(machines);
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "state")];
  const first = await machines.start({ disks, generationId: true, extraArgs: [] });
  await untilItCounts(first);
  await first.qmp.execute("stop");
  const count = await peek(first, counterAddress);

  const seen: number[] = [];
  const { bytes } = await saveState(first.qmp, { socket, file, onProgress: (bytes) => seen.push(bytes) });
  const info = await Deno.stat(file);
  assert.deepEqual([info.size, (info.mode ?? 0) & 0o777, seen.at(-1)], [bytes, 0o600, bytes]);
  assert(bytes > 100_000 && bytes < 10 * MiB, `${bytes} bytes: empty memory takes no room`);
  assert(!await exists(socket) && !await exists(`${file}.part`));

  await first.qmp.execute("cont");
  while (await peek(first, counterAddress) === count) assert.equal(await status(first), "running");
  await first.qmp.execute("stop");
  const later = join(machines.folder, "later");
  await saveState(first.qmp, { socket, file: later });
  const laterCount = await peek(first, counterAddress);
  await first.stop();

  for (const [state, expected] of [[file, count], [later, laterCount]] as const) {
    const next = await machines.start({ disks, generationId: true, incoming: true, extraArgs: [] });
    assert.equal(await status(next), "inmigrate");
    await loadState(next.qmp, { socket, file: state, ended: next.ended });
    assert.deepEqual([await status(next), await peek(next, counterAddress)], ["paused", expected]);
    assert(!await exists(socket));
    await next.qmp.execute("cont");
    while (await peek(next, counterAddress) === expected) assert.equal(await status(next), "running");
    await next.stop();
  }
});

/** A machine with 32 MiB that cannot be told in fewer bytes. */
async function startWithNoise(machines: RealMachines): Promise<Machine> {
  const noise = join(machines.folder, "noise");
  using file = await Deno.open(noise, { write: true, create: true });
  const block = new Uint8Array(65_536);
  for (let written = 0; written < 32 * MiB; written += block.length) {
    await file.write(crypto.getRandomValues(block));
  }
  return await machines.start({
    extraArgs: ["-S", "-device", `loader,file=${noise},addr=0x1000000,force-raw=on`],
  });
}

Deno.test("a state over its limit is not kept, one that is given up neither, and the machine is as before", async () => {
  await using machines = await realMachines();
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "state")];
  const machine = await startWithNoise(machines);
  const clean = async () => !await exists(socket) && !await exists(`${file}.part`) && !await exists(file);

  const tooLarge = saveState(machine.qmp, { socket, file, maxBytes: 2 * MiB });
  await assert.rejects(tooLarge, (error) => {
    assert(error instanceof StateTooLargeError);
    assert.equal(error.message, "The machine's state is larger than 2097152 bytes");
    return true;
  });
  assert(await clean());

  const controller = new AbortController();
  const { signal } = controller;
  const given = saveState(machine.qmp, { socket, file, signal, onProgress: () => controller.abort() });
  await assert.rejects(given, CancelledError);
  assert(await clean());

  const { bytes } = await saveState(machine.qmp, { socket, file, maxBytes: 64 * MiB });
  assert(bytes > 32 * MiB);
  await machine.qmp.execute("cont");
  assert.equal(await status(machine), "running");
});

Deno.test("a device that cannot be saved is named, and nothing is left", async () => {
  await using machines = await realMachines();
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "state")];
  // Memory that is shared with other machines, and so is none of this one's state.
  const shared = ["-object", "memory-backend-ram,id=m,size=1M", "-device", "ivshmem-plain,memdev=m"];
  const machine = await machines.start({ extraArgs: ["-S", ...shared] });
  await assert.rejects(saveState(machine.qmp, { socket, file }), (error) => {
    assert(error instanceof PimError && error.cause instanceof QmpCommandError);
    assert.match(error.message, /^Cannot save the machine's state to .*\/state: migrate failed: /);
    return true;
  });
  assert.deepEqual([await exists(socket), await exists(`${file}.part`), await exists(file)], [
    false,
    false,
    false,
  ]);
  assert.equal(await status(machine), "prelaunch");
});

Deno.test("a state that is cut off or of another machine is not loaded, and QEMU's reason is told", async () => {
  await using machines = await realMachines();
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "state")];
  const machine = await machines.start();
  await saveState(machine.qmp, { socket, file });
  const refused = async (file: string, changes: Parameters<RealMachines["start"]>[0], reason: RegExp) => {
    const next = await machines.start({ incoming: true, extraArgs: [], ...changes });
    await assert.rejects(loadState(next.qmp, { socket, file, ended: next.ended }), (error) => {
      assert(error instanceof PimError);
      assert.match(error.message, /^Cannot load a machine's state from /);
      assert.match(error.message, reason);
      return true;
    });
    assert.notEqual((await next.ended).code, 0);
    assert(!await exists(socket));
  };
  const [half, garbage] = [join(machines.folder, "half"), join(machines.folder, "garbage")];
  const bytes = await Deno.readFile(file);
  await Deno.writeFile(half, bytes.subarray(0, bytes.length / 2));
  await refused(half, {}, /load of migration failed/);
  await Deno.writeFile(garbage, crypto.getRandomValues(new Uint8Array(65_536)));
  await refused(garbage, {}, /Not a migration stream/);
  await refused(file, { memoryMiB: 128 }, /Size mismatch: pc.ram/);
});

Deno.test("a state that is not there leaves the new machine waiting", async () => {
  await using machines = await realMachines();
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "missing")];
  const next = await machines.start({ incoming: true, extraArgs: [] });
  await assert.rejects(
    loadState(next.qmp, { socket, file, ended: next.ended }),
    /^PimError: Cannot load .*\/missing: No such file/,
  );
  assert.equal(await status(next), "inmigrate");
});

Deno.test("a QEMU that dies while its state is saved leaves nothing", async () => {
  await using machines = await realMachines();
  const [socket, file] = [join(machines.folder, "s"), join(machines.folder, "state")];
  const machine = await startWithNoise(machines);
  let once = false;
  const dying = saveState(machine.qmp, {
    socket,
    file,
    onProgress() {
      if (!once) Deno.kill(machine.pid, "SIGKILL");
      once = true;
    },
  });
  await assert.rejects(dying, /Cannot save the machine's state/);
  assert.deepEqual([await exists(socket), await exists(`${file}.part`), await exists(file)], [
    false,
    false,
    false,
  ]);
});
