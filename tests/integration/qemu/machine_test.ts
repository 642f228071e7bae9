import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../../lib/errors.ts";
import { exists } from "../../../lib/files.ts";
import type { MachineSpec } from "../../../lib/qemu/args.ts";
import { createDisk, imageInfo } from "../../../lib/qemu/img.ts";
import { checkSocketPath, MachineDiedError, startMachine } from "../../../lib/qemu/machine.ts";
import { freePort, isPortTaken, startOnFreePort } from "../../../lib/qemu/ports.ts";
import { testGuestKernel } from "../../../lib/qemu/test_guest_code.ts";
import { realHost } from "../../qemu/real_host.ts";

const host = await realHost();

/** Runs a test with a small machine whose files are in a folder of its own. */
async function withSpec(use: (spec: MachineSpec, folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "pim-machine-" });
  const spec: MachineSpec = {
    name: "test",
    memoryMiB: 64,
    cpus: 1,
    disks: [],
    serial: { socket: join(folder, "serial"), log: join(folder, "serial.log") },
    qmpSocket: join(folder, "qmp"),
    agentSocket: join(folder, "ga"),
    extraArgs: ["-S"], // The processor stays stopped: it is QEMU that is tested.
  };
  try {
    await use(spec, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function alive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch {
    return false;
  }
}

Deno.test("a machine starts, answers on QMP, tells its events and quits", async () => {
  await withSpec(async (spec) => {
    const events: string[] = [];
    await using machine = await startMachine(host, spec, { onEvent: (event) => events.push(event.event) });
    assert.deepEqual((await machine.qmp.execute("query-status") as { status: string }).status, "prelaunch");
    assert.equal(machine.argv[0], host.qemu);
    await machine.qmp.execute("cont");
    const end = await machine.stop();
    assert.deepEqual([end.code, end.signal], [0, null]);
    assert.deepEqual(events, ["RESUME", "SHUTDOWN"]);
    assert.deepEqual(await machine.stop(), end);
  });
});

Deno.test("disposing of a machine ends QEMU and removes its sockets, and the serial log stays", async () => {
  await withSpec(async (spec, folder) => {
    let pid = 0;
    {
      await using machine = await startMachine(host, spec);
      pid = machine.pid;
      assert(alive(pid));
    }
    assert(!alive(pid));
    assert.deepEqual([...Deno.readDirSync(folder)].map((entry) => entry.name), ["serial.log"]);
    assert.equal((Deno.statSync(spec.serial.log).mode ?? 0) & 0o777, 0o600, "only its user may read it");
  });
});

Deno.test("a QEMU that dies at once is noticed at once, with what it said", async () => {
  await withSpec(async (spec) => {
    const began = performance.now();
    await assert.rejects(startMachine(host, { ...spec, extraArgs: ["-device", "no-such-card"] }), (error) => {
      assert(error instanceof MachineDiedError);
      assert.match(
        error.message,
        /^QEMU of test exited with 1: .*no-such-card.*not a valid device model name/,
      );
      assert.match(error.hint ?? "", /^It was started as: .*qemu-system-x86_64 -name guest=test /);
      return true;
    });
    assert(performance.now() - began < 20_000);
  });
});

Deno.test("a QEMU that is killed from outside settles `ended` and closes QMP", async () => {
  await withSpec(async (spec) => {
    await using machine = await startMachine(host, spec);
    Deno.kill(machine.pid, "SIGKILL");
    assert.equal((await machine.ended).signal, "SIGKILL");
    await assert.rejects(machine.qmp.execute("query-status"));
  });
});

Deno.test("a QEMU that does not react to quit is killed", async () => {
  await withSpec(async (spec) => {
    await using machine = await startMachine(host, spec);
    Deno.kill(machine.pid, "SIGSTOP");
    const end = await machine.stop({ timeoutMs: 100 });
    assert.equal(end.signal, "SIGKILL");
  });
});

Deno.test("a QEMU that is sent commands while it ends comes to its end all the same, and a good one", async () => {
  await withSpec(async (spec) => {
    // It hangs in one of ten tries, which pim must not wait out.
    for (let round = 0; round < 15; round++) {
      await using machine = await startMachine(host, spec, { shutdownMs: 200 });
      const ask = () => machine.qmp.execute("query-blockstats").catch(() => {});
      const asked = [ask()];
      Deno.kill(machine.pid, "SIGTERM");
      asked.push(ask(), ask(), ask());
      const { code, signal } = await machine.ended;
      assert.deepEqual([code, signal], [0, null]);
      await Promise.all(asked);
    }
  });
});

Deno.test("aborting ends a running machine", async () => {
  await withSpec(async (spec) => {
    const controller = new AbortController();
    await using machine = await startMachine(host, spec, { signal: controller.signal });
    controller.abort();
    await machine.ended;
    assert(!alive(machine.pid));
  });
});

Deno.test("aborting while QEMU starts is a cancellation and leaves nothing behind", async () => {
  await withSpec(async (spec, folder) => {
    const qemu = join(folder, "qemu");
    await Deno.writeTextFile(qemu, `#!/bin/sh\necho $$ > '${folder}/pid'\nexec sleep 60\n`, { mode: 0o755 });
    const controller = new AbortController();
    const starting = startMachine({ ...host, qemu }, spec, { signal: controller.signal });
    while (!await exists(join(folder, "pid"))) await sleep(10);
    controller.abort();
    await assert.rejects(starting, (error) => error instanceof CancelledError);
    assert(!alive(Number(await Deno.readTextFile(join(folder, "pid")))));
  });
});

Deno.test("a QEMU that never makes its monitor is given up and killed", async () => {
  await withSpec(async (spec, folder) => {
    const qemu = join(folder, "qemu");
    await Deno.writeTextFile(qemu, "#!/bin/sh\nexec sleep 60\n", { mode: 0o755 });
    const starting = startMachine({ ...host, qemu }, spec, { timeoutMs: 200 });
    await assert.rejects(starting, /did not answer on its monitor within 0.2 s/);
  });
});

Deno.test("a socket left by a machine that crashed is no obstacle", async () => {
  await withSpec(async (spec) => {
    // Closing removes a socket's name, but not a second one that it has.
    const listener = Deno.listen({ transport: "unix", path: `${spec.qmpSocket}-1` });
    await Deno.link(`${spec.qmpSocket}-1`, spec.qmpSocket);
    listener.close();
    await Deno.writeTextFile(spec.agentSocket ?? "", "");
    await using machine = await startMachine(host, spec);
    await machine.qmp.execute("query-status");
  });
});

Deno.test("a socket path that is too long is refused before QEMU starts, in bytes", async () => {
  await withSpec(async (spec) => {
    const qmpSocket = `/tmp/${"x".repeat(100)}`;
    await assert.rejects(startMachine(host, { ...spec, qmpSocket }), /105 bytes, and 103 is the limit/);
  });
  checkSocketPath("x".repeat(103));
  assert.throws(() => checkSocketPath("ä".repeat(52)), /104 bytes/);
});

Deno.test("a running disk takes a snapshot by the node name disk0 and keeps its base as it was", async () => {
  await withSpec(async (spec, folder) => {
    const [base, overlay] = [join(folder, "base.qcow2"), join(folder, "overlay.qcow2")];
    await createDisk(base, 1024 * 1024 * 1024, host);
    const disks = [{ path: base, format: "qcow2", throwaway: true } as const];
    await using machine = await startMachine(host, { ...spec, disks });
    await machine.qmp.execute("blockdev-snapshot-sync", {
      "node-name": "disk0",
      "snapshot-file": overlay,
      "snapshot-node-name": "layer1",
      format: "qcow2",
    });
    const info = await imageInfo(overlay, { ...host, inUse: true });
    assert.equal(info.backingFile, base);
    assert.equal(info.virtualBytes, 1024 * 1024 * 1024);
  });
});

Deno.test("a kernel that QEMU starts itself goes together with a disk in the boot order", async () => {
  await withSpec(async (spec, folder) => {
    const [kernel, disk] = [join(folder, "kernel"), join(folder, "disk.qcow2")];
    await Deno.writeFile(kernel, testGuestKernel("amd64"));
    await createDisk(disk, 1024 * 1024, host);
    const disks = [{ path: disk, format: "qcow2" } as const];
    await using machine = await startMachine(host, { ...spec, disks, kernel: { kernel, append: "quiet" } });
    await machine.qmp.execute("query-status");
  });
});

Deno.test("the network card has the same PCI address with and without display, CD and disks", async () => {
  await withSpec(async (spec, folder) => {
    const iso = join(folder, "a.iso");
    await Deno.writeFile(iso, new Uint8Array(2048));
    const variants: Partial<MachineSpec>[] = [{}, { cdrom: iso, display: { vncPort: unusedVncPort() } }];
    for (const variant of variants) {
      await using machine = await startMachine(host, { ...spec, ...variant });
      const [bus] = await machine.qmp.execute("query-pci") as {
        devices: { slot: number; class_info: { class: number } }[];
      }[];
      // PCI class 0x0200: an Ethernet controller.
      assert.deepEqual(
        bus?.devices.filter((each) => each.class_info.class === 0x200).map((each) => each.slot),
        [2],
      );
    }
  });
});

function unusedVncPort(): number {
  for (let port = freePort();; port = freePort()) {
    if (port >= 5900) return port;
  }
}

function withForward(spec: MachineSpec, hostPort: number): MachineSpec {
  return { ...spec, network: { kind: "user", forwards: [{ hostPort, guestPort: 22 }] } };
}

Deno.test("a forwarded port that somebody else took is found out, and another one is tried", async () => {
  await withSpec(async (spec) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const specFor = (hostPort: number) => withForward(spec, hostPort);
    await assert.rejects(startMachine(host, specFor(taken.addr.port)), isPortTaken);
    const ports = [taken.addr.port, freePort()];
    const findPort = () => ports.shift() ?? 0;
    const { machine, hostPort } = await startOnFreePort(host, specFor, { findPort });
    await using _ = machine;
    assert.notEqual(hostPort, taken.addr.port);
    using conn = await Deno.connect({ hostname: "127.0.0.1", port: hostPort });
    assert.equal(conn.remoteAddr.transport, "tcp");
  });
});

Deno.test("a port that stays taken is reported after some attempts", async () => {
  await withSpec(async (spec) => {
    using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const options = { attempts: 2, findPort: () => taken.addr.port };
    const starting = startOnFreePort(host, (hostPort) => withForward(spec, hostPort), options);
    await assert.rejects(starting, MachineDiedError);
  });
});
