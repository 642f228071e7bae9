import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { join } from "node:path";
import { PimError, UsageError } from "../../../lib/errors.ts";
import { exists } from "../../../lib/files.ts";
import { updateRegistry } from "../../../lib/image/registry.ts";
import { vmFiles, vmFolders } from "../../../lib/paths.ts";
import { MachineDiedError } from "../../../lib/qemu/machine.ts";
import { readDefinition } from "../../../lib/vm/definition.ts";
import { generateKeyPair } from "../../../lib/ssh/key.ts";
import { stopVm } from "../../../lib/vm/stop.ts";
import { listVms } from "../../../lib/vm/vms.ts";
import { sampleImage } from "../../image/sample.ts";
import { backingFile, gone, type SmallVms, smallVms } from "../../vm/small_vms.ts";

const stop = (vms: SmallVms, name: string) => stopVm(vms.places, name, { force: true });

/** Expects a refusal of exactly this kind, with a hint. */
function refused(message: string, kind: typeof PimError | typeof UsageError = UsageError) {
  return (error: unknown) => {
    assert(error instanceof kind, String(error));
    assert.equal(error.message, message);
    assert(error.hint);
    return true;
  };
}

Deno.test("a VM keeps its disk from one start to the next, and --fresh throws it away", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  assert.equal(await backingFile(vm.folder.disk), vms.image);
  await stop(vms, "demo");
  const before = (await Deno.stat(vm.folder.disk)).ino;
  await vms.run("demo");
  assert.equal((await Deno.stat(vm.folder.disk)).ino, before);
  await stop(vms, "demo");
  await vms.run("demo", { fresh: true });
  assert.notEqual((await Deno.stat(vm.folder.disk)).ino, before);
  assert.equal(await exists(vmFolders(vms.places.vmsDir, "demo").replaced), false);
});

Deno.test("a VM that begins anew keeps its architecture, whatever the newest image of its profile has", async () => {
  await using vms = await smallVms();
  const { imageDir, registryPath } = vms.places.images;
  const images = [
    sampleImage("dev", new Date(1e12)),
    sampleImage("dev", new Date(2e12)),
    sampleImage("dev", new Date(3e12), { architecture: "arm64", firmware: "uefi" }),
  ];
  const [first, newer] = images;
  await Deno.mkdir(imageDir, { recursive: true });
  for (const { file } of images) await Deno.copyFile(vms.image, join(imageDir, file));
  await updateRegistry(registryPath, (registry) => images.forEach((image) => registry.add(image)));
  await vms.run("demo", { what: first?.name });
  await stop(vms, "demo");
  const { record } = await vms.run("demo", { what: "demo", fresh: true });
  assert.equal(record.definition.image.name, newer?.name);
});

Deno.test("the disk of a VM cannot be used by a second one, by whatever name it is called", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  const { disk } = vm.folder;
  const [linked, other] = [join(vms.dir, "linked.qcow2"), join(vms.dir, "other.qcow2")];
  await Deno.symlink(disk, linked);
  await Deno.link(disk, other);
  for (const path of [disk, linked, other]) {
    for (const mode of ["overlay", "clone"] as const) {
      await assert.rejects(
        vms.run("second", { what: path, disk: mode }),
        refused(`${path === linked ? disk : path} is the disk of the VM demo, which is running`),
      );
    }
  }
  await stop(vms, "demo");
  await assert.rejects(vms.run("second", { what: other }), refused(`${other} is the disk of the VM demo`));
  const copy = await vms.run("second", { what: other, disk: "clone" });
  assert.equal(await backingFile(copy.vm.folder.disk), undefined);
  assert.deepEqual((await listVms(vms.places)).map(({ name }) => name), ["demo", "second"]);
});

Deno.test("a file with any name can be run, and its VM is called as much like it as a VM can be", async () => {
  await using vms = await smallVms();
  for (const [stem, name] of [["_my disk", "my-disk"], ["x".repeat(80), "x".repeat(64)], ["ä", "disk"]]) {
    const what = join(vms.dir, `${stem}.qcow2`);
    await Deno.copyFile(vms.image, what);
    const { vm } = await vms.run("", { what, name: undefined });
    assert.equal(vm.name, name);
  }
});

Deno.test("a folder that is not there cannot be shared, and the one that was meant is named", async () => {
  await using vms = await smallVms();
  await Deno.mkdir(join(vms.dir, "projects"));
  const share = (path: string) => vms.run("demo", { shares: [{ path, tag: "work", readonly: false }] });
  await assert.rejects(share("project"), (error) => {
    assert(error instanceof UsageError);
    assert.equal(error.hint, "Did you mean projects?");
    return true;
  });
  await assert.rejects(
    share("elsewhere"),
    refused(`There is no folder to share ${join(vms.dir, "elsewhere")}`),
  );
});

Deno.test("a file that only calls itself qcow2 is not run as a raw disk", async () => {
  await using vms = await smallVms();
  const cut = join(vms.dir, "cut.qcow2");
  await Deno.writeTextFile(cut, "not found\n");
  await assert.rejects(
    vms.run("cut", { what: cut }),
    refused(`${cut} is no qcow2 image, although its name says so`),
  );
});

Deno.test("what is given for a kept VM holds from the next start that works", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await stop(vms, "demo");
  const path = vm.folder.definition;
  const before = await readDefinition(path);
  await assert.rejects(
    vms.run("demo", { what: "demo", memoryMiB: 80, qemuArgs: ["-no-such-argument"] }),
    (error) => error instanceof MachineDiedError && /no-such-argument/.test(error.message),
  );
  assert.deepEqual(await readDefinition(path), before);
  assert.deepEqual(await vms.qemus(), new Map());
  const { record } = await vms.run("demo", { what: "demo", memoryMiB: 80 });
  assert.equal(record.definition.memoryMiB, 80);
  assert.equal((await readDefinition(path))?.memoryMiB, 80);
});

Deno.test("the seed of a kept VM is another one from the next start that works", async () => {
  await using vms = await smallVms();
  const [first, second] = ["first", "second"].map((name) => join(vms.dir, `${name}.pub`));
  for (const file of [first, second]) {
    await Deno.writeTextFile(file ?? "", (await generateKeyPair("me")).publicKey);
  }
  const { vm } = await vms.run("demo", { sshKeyFile: first });
  await stop(vms, "demo");
  const { seed, knownHosts } = vm.folder;
  await Deno.writeTextFile(knownHosts, "pim-demo ssh-ed25519 AAAA\n");
  const before = await Deno.readFile(seed);
  const wrong = { what: "demo", sshKeyFile: second, qemuArgs: ["-no-such-argument"] };
  await assert.rejects(vms.run("demo", wrong), MachineDiedError);
  assert.deepEqual([await Deno.readFile(seed), await exists(knownHosts)], [before, true]);
  await vms.run("demo", { what: "demo", sshKeyFile: second });
  assert.notDeepEqual(await Deno.readFile(seed), before);
  assert.equal(await exists(knownHosts), false, "a guest with another seed makes itself new host keys");
});

Deno.test("a start that fails leaves no VM behind, and one that should have been replaced is as it was", async () => {
  await using vms = await smallVms();
  const wrong = { qemuArgs: ["-no-such-argument"] };
  await assert.rejects(vms.run("demo", wrong), MachineDiedError);
  assert.deepEqual(await listVms(vms.places), []);
  const { vm } = await vms.run("demo");
  await stop(vms, "demo");
  const before = (await Deno.stat(vm.folder.disk)).ino;
  await assert.rejects(vms.run("demo", { ...wrong, fresh: true }), MachineDiedError);
  assert.equal((await Deno.stat(vm.folder.disk)).ino, before);
  assert.deepEqual(
    (await Array.fromAsync(Deno.readDir(vms.places.vmsDir))).map(({ name }) => name),
    ["demo"],
  );
});

Deno.test("a name that is only the remains of a VM starts what it names", async () => {
  await using vms = await smallVms();
  const { vmsDir } = vms.places;
  // As a pim leaves it that was killed while it made the disk.
  await Deno.mkdir(vmFolders(vmsDir, "small").part, { recursive: true });
  await Deno.writeTextFile(join(vmFolders(vmsDir, "small").part, "disk.qcow2"), "half a di");
  const { vm } = await vms.run("small", { name: undefined });
  assert.equal(vm.name, "small");
  assert.equal(await exists(vmFolders(vmsDir, "small").part), false);
});

Deno.test("a disk without a sound vm.json is not thrown away unasked", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await stop(vms, "demo");
  const { disk, definition } = vm.folder;
  await Deno.writeTextFile(definition, "{");
  await assert.rejects(vms.run("demo"), refused(`${definition} is damaged: it is no JSON`, PimError));
  await Deno.remove(definition);
  await assert.rejects(
    vms.run("demo"),
    refused(`The VM demo has a disk, and ${definition} is missing`, PimError),
  );
  assert(await exists(disk));
  await vms.run("demo", { fresh: true });
  assert.equal((await readDefinition(definition))?.name, "demo");
});

Deno.test("the note of a crash comes with the next start", async () => {
  await using vms = await smallVms();
  const { vm } = await vms.run("demo");
  await Deno.writeTextFile(vm.files.log, "qemu: out of luck\n", { append: true });
  Deno.kill(vm.pid, "SIGKILL");
  await gone(vm.pid);
  const notes: string[] = [];
  await vms.run("demo", {}, { onNote: (note) => notes.push(note) });
  assert.deepEqual(notes, [`demo: QEMU ended unexpectedly; what it said is in ${vm.folder.crashLog}`]);
});

Deno.test("a VM whose image is gone says so, and is not started", async () => {
  await using vms = await smallVms();
  await vms.run("demo");
  await stop(vms, "demo");
  await Deno.rename(vms.image, `${vms.image}.away`);
  await assert.rejects(
    vms.run("demo", { what: "demo" }),
    refused(`The image under the disk of the VM demo is missing: ${vms.image}`, PimError),
  );
});

Deno.test("ports that are taken are passed over, and one that was asked for names the VM that has it", async () => {
  await using vms = await smallVms();
  const { record } = await vms.run("demo", { forwards: [{ hostPort: 0, guestPort: 80, protocol: "tcp" }] });
  const [ssh, web] = [
    record.sshPort ?? 0,
    record.forwards.find(({ guestPort }) => guestPort === 80)?.hostPort ?? 0,
  ];
  assert(ssh >= 2222 && web > 0 && web !== ssh);
  const forward = (hostPort: number, protocol: "tcp" | "udp" = "tcp") => ({
    forwards: [{ hostPort, guestPort: 80, protocol }],
  });
  await assert.rejects(
    vms.run("second", forward(web)),
    refused(`Port ${web} of 127.0.0.1 is taken by the VM demo`),
  );
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await assert.rejects(
    vms.run("second", forward(listener.addr.port)),
    refused(`Port ${listener.addr.port} of 127.0.0.1 is taken`),
  );
  const datagrams = createSocket("udp4");
  await new Promise<void>((bound) => datagrams.bind(0, "127.0.0.1", bound));
  const { port } = datagrams.address();
  await assert.rejects(
    vms.run("second", forward(port, "udp")),
    refused(`Port ${port} of 127.0.0.1 is taken`),
  );
  await new Promise<void>((closed) => datagrams.close(() => closed()));
  assert.equal(await exists(vmFiles(vms.places.vmsDir, "second").dir), false);
  // A port that only TCP has taken is free for UDP, even where the same VM takes it for both.
  const second = await vms.run("second", { vnc: true, ...forward(listener.addr.port, "udp") });
  const both = [forward(port), forward(port, "udp")].flatMap(({ forwards }) => forwards);
  const third = await vms.run("third", { forwards: both });
  assert.deepEqual(third.record.forwards.filter(({ guestPort }) => guestPort === 80), both);
  // Not always a higher one: another test's VM may have let go of a lower one meanwhile.
  assert((second.record.sshPort ?? 0) >= 2222 && second.record.sshPort !== ssh);
  assert((second.record.vncPort ?? 0) >= 5900);
});
