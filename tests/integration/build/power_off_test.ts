import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createDisk } from "../../../lib/build/steps/create_disk.ts";
import { powerOff } from "../../../lib/build/steps/power_off.ts";
import type { Inventoried } from "../../../lib/build/states.ts";
import { debian } from "../../../lib/installer/debian.ts";
import { startMachine } from "../../../lib/qemu/machine.ts";
import type { QmpEvent } from "../../../lib/qemu/qmp.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { connectSsh } from "../../../lib/ssh/session.ts";
import { sampleManifest } from "../../image/sample_manifest.ts";
import { fakeServer } from "../../qemu/fake_server.ts";
import { startSshd } from "../../ssh/sshd.ts";
import { places } from "../../build/places.ts";
import { hostReady, smallConfig, told } from "../../build/states.ts";

interface Scene {
  readonly state: Inventoried;
  /** Ends QEMU as a guest does that powers off. */
  gone(): void;
}

/** A running QEMU whose processor stands still: the guest's part is played by the test. */
async function running(
  agentSocket: string,
  onEvent: (event: QmpEvent, scene: Scene) => void,
  test: (scene: Scene) => Promise<void>,
  command = "echo not this machine >&2; exit 1",
): Promise<void> {
  await using place = await places(smallConfig('build: { diskSize: "1M" }'));
  await using ready = await hostReady(place);
  // The guest of this sshd is the machine that runs the tests, which nobody wants to be powered off.
  await using sshd = await startSshd({ config: [`ForceCommand ${command}`] });
  await using ssh = await connectSsh({
    host: "127.0.0.1",
    port: sshd.port,
    username: sshd.username,
    auth: [{ privateKey: sshd.key.privateKey }],
    timeoutMs: 10_000,
  });
  await using context = told();
  const { files, runtime } = ready.workspace;
  const checksum = { algorithm: "sha256", hash: "00" } as const;
  const iso = { key: "small", path: "/dev/null", bytes: 0, checksum, verified: false };
  const origin = { isoChecksum: "sha256:00", family: debian.name };
  const boot = { ...ready, iso, origin, installer: debian, kernel: files.kernel, initrd: files.initrd };
  const disk = await createDisk.run(boot, context);
  await using machine = await startMachine(ready.host, {
    name: ready.plan.name,
    memoryMiB: 64,
    cpus: 1,
    disks: [{ path: disk.disk, format: "qcow2", throwaway: true }],
    serial: { socket: runtime.serial, log: files.serialLog },
    qmpSocket: runtime.qmp,
    extraArgs: ["-S"],
  }, { onEvent: (event) => onEvent(event, scene) });
  const state: Inventoried = {
    ...disk,
    workspace: { ...ready.workspace, runtime: { ...runtime, agent: agentSocket } },
    buildKey: await generateKeyPair("test"),
    machine,
    ssh,
    sshPort: sshd.port,
    diskNode: "disk0",
    inventory: sampleManifest(),
  };
  const scene: Scene = { state, gone: () => void machine.qmp.execute("quit").catch(() => {}) };
  await test(scene);
}

/** An agent that does something when it is asked to shut the guest down. */
function agent(onShutdown: () => void) {
  return fakeServer(async (peer) => {
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      const id = (request.arguments as { id?: unknown } | undefined)?.id;
      if (request.execute === "guest-shutdown") onShutdown();
      else {await peer.write(
          Uint8Array.of(0xff, ...new TextEncoder().encode(`${JSON.stringify({ return: id })}\n`)),
        );}
    }
  });
}

Deno.test("the guest agent is asked first, and the end of QEMU is waited for", async () => {
  let asked: Scene | undefined;
  let scene: Scene | undefined;
  await using server = await agent(() => (asked = scene)?.gone());
  await running(server.path, () => {}, async (it) => {
    scene = it;
    await using context = told();
    const off = await powerOff.run(it.state, context);
    deepEqual(context.lines, ["asking through the guest agent"]);
    equal(asked, it);
    ok(!("machine" in off) && !("ssh" in off));
    equal((await it.state.machine.ended).code, 0);
  });
});

Deno.test("a guest without an agent is asked by ACPI", async () => {
  const events: string[] = [];
  await running(join("/nowhere", "ga"), ({ event }, scene) => {
    events.push(event);
    if (event === "POWERDOWN") scene.gone();
  }, async ({ state }) => {
    await using context = told();
    await powerOff.run(state, context);
    deepEqual(context.lines.map((line) => line.replace(/:.*/, "")), [
      "asking through the guest agent",
      "not through the guest agent",
      "asking through ACPI",
    ]);
    ok(events.includes("POWERDOWN"));
  });
});

Deno.test("a QEMU that crashes while the guest powers off has not powered it off", async () => {
  let scene: Scene | undefined;
  await using server = await agent(() => scene && Deno.kill(scene.state.machine.pid, "SIGKILL"));
  await running(server.path, () => {}, async (it) => {
    scene = it;
    await using context = told();
    await rejects(powerOff.run(it.state, context), /QEMU of web-.* was ended by SIGKILL/);
  });
});

Deno.test("a QEMU that is ended by a signal meanwhile has not powered it off, though it ends in good order", async () => {
  let scene: Scene | undefined;
  await using server = await agent(() => scene && Deno.kill(scene.state.machine.pid, "SIGTERM"));
  await running(server.path, () => {}, async (it) => {
    scene = it;
    await using context = told();
    await rejects(
      powerOff.run(it.state, context),
      /QEMU of web-.* was ended by a signal: .*on signal 15/,
    );
  });
});

Deno.test("a guest whose sshd is gone before the command is answered may have heard it, and gets its time", async () => {
  await running(join("/nowhere", "ga"), () => {}, async ({ state, gone }) => {
    await using context = told();
    // Longer than a guest gets that could not be asked.
    const powersOff = state.ssh.closed.then(() => sleep(4000)).then(gone);
    await powerOff.run(state, context);
    await powersOff;
    deepEqual(context.lines.at(-1), "asking through SSH");
  }, "kill -KILL $PPID");
});

Deno.test("Ctrl-C while the guest powers off is not waited out", async () => {
  const controller = new AbortController();
  const reason = new Error("stop");
  await using server = await agent(() => controller.abort(reason));
  await running(server.path, () => {}, async ({ state }) => {
    await using context = told(controller.signal);
    const began = performance.now();
    await rejects(powerOff.run(state, context));
    ok(performance.now() - began < 20_000);
  });
});
