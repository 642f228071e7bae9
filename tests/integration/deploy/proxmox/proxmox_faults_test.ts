import assert from "node:assert/strict";
import { configureLog } from "../../../../lib/log.ts";
import { startCutProxy } from "../../../http/cut_proxy.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { deployFixture, planned } from "../../../deploy/fixture.ts";
import { assertClean, withPve, yaml } from "./pve_by_api.ts";
import { startPve } from "./proxmox_server.ts";

configureLog({ write: () => {} });

Deno.test("what the host or a task says of a failure is told, and nothing stays", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    const fails = async (message: RegExp, hint: RegExp) => {
      await assert.rejects(fixture.deploy(target), (error: Error & { hint?: string; exitCode?: number }) => {
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        assert.equal(error.exitCode, 9);
        return true;
      });
      assertClean(pve);
    };
    pve.rules.taskFails.imgcopy = "import failed: cp: error writing 'x': No space left on device";
    await fails(/upload pim-\S+ to local: import failed: cp: .*No space left/, /Make room on the storage/);
    pve.rules.damagesUploads = true;
    await fails(/checksum mismatch: got '[0-9a-f]{64}' != expect/, /damaged on its way/);
    pve.rules.damagesUploads = false;
    pve.rules.taskFails.qmcreate =
      "unable to create VM 100 - qemu-img: error while writing: No space left on device";
    await fails(/create the VM 100: .*No space left/, /Make room on the storage/);
    pve.rules.taskFails.qmtemplate = "unable to create base image";
    await fails(/make the VM 100 a template: unable to create base image/, /task's log/);
    pve.rules.lacks = ["/storage/local-lvm Datastore.AllocateSpace"];
    await fails(
      /Permission check failed \(\/storage\/local-lvm, Datastore\.AllocateSpace\)/,
      /pim target check/,
    );
    pve.rules.lacks = ["/storage/local Datastore.AllocateTemplate"];
    await fails(/Permission check failed \(\/storage\/local, Datastore\.AllocateTemplate\)/, /privilege/);
    pve.rules.lacks = [];
    pve.rules.availBytes = 1000;
    await fails(/it has 2 MiB, and only 0 MiB are free at the host/, /import_storage/);
  });
});

Deno.test("a node that the cluster does not have is told as that, with where its nodes are named", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve).replace("node: pve", "node: pve2"));
    await assert.rejects(
      fixture.deploy(target),
      deployFailure(/the cluster of 127\.0\.0\.1:\d+ has no node pve2$/, /`node`.*pim target check/),
    );
    assertClean(pve);
  });
});

Deno.test("an upload that is cut half-way leaves nothing, and the next run makes the template", async () => {
  await using pve = await startPve();
  await using proxy = startCutProxy(pve.port);
  await using fixture = await deployFixture({ dataMiB: 8 });
  fixture.env.set("PVE_TOKEN", pve.rules.token);
  const target = await fixture.target(yaml(pve, "", proxy.port));
  proxy.cutAfter(4 * 1024 ** 2);
  await assert.rejects(fixture.deploy(target), { name: "DeployError", message: /the connection broke off/ });
  assertClean(pve);
  await fixture.deploy(target);
  assert.equal(pve.vms.get(100)?.template, true);
});

Deno.test("who cancels while the disk is made leaves nothing", async () => {
  await withPve(async (fixture, pve) => {
    pve.rules.createPolls = 1000;
    const abort = new AbortController();
    const deploying = fixture.deploy(await fixture.target(yaml(pve)), {
      signal: abort.signal,
      onEvent: (event) => event.type === "progress" && event.text.startsWith("create") && abort.abort(),
    });
    await assert.rejects(deploying, { name: "CancelledError" });
    assertClean(pve);
    assert.ok(pve.requests.some((line) => /^DELETE \/nodes\/pve\/tasks\//.test(line)));
  });
});

Deno.test("a pim that was killed is gone on with: from its upload, or after its half VM is destroyed", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    await fixture.deploy(target);
    const file = "local:import/pim-0123456789ab-01234567.qcow2";
    const vm = pve.vms.get(100)!;
    // Killed after the upload.
    pve.vms.clear();
    pve.files.set(file, await Deno.readFile(fixture.image.path));
    await fixture.cutShort({ upload: file, whole: file });
    assert.match((await planned(fixture, target))[0] ?? "", /^create VM 100/);
    await fixture.deploy(target);
    assert.deepEqual([...pve.files.keys(), pve.vms.get(100)?.template], [true]);
    // Killed in the upload.
    pve.vms.clear();
    pve.files.set(file, new Uint8Array(10));
    await fixture.cutShort({ upload: file });
    assert.deepEqual(
      (await planned(fixture, target))[0],
      `clear what an interrupted deployment has left: ${file}`,
    );
    await fixture.deploy(target);
    assert.equal(pve.files.size, 0);
    // Killed before the VM was a template.
    pve.vms.clear();
    pve.vms.set(100, { ...vm, template: false });
    await fixture.cutShort({ vmid: "100", node: "pve" });
    assert.equal(
      (await planned(fixture, target))[0],
      "clear what an interrupted deployment has left: VM 100",
    );
    await fixture.deploy(target);
    assert.deepEqual([...pve.vms.keys()], [101]);
    assert.equal(pve.vms.get(101)?.template, true);
    // A template that somebody has made a VM of again is no remainder.
    pve.vms.get(101)!.template = false;
    await assert.rejects(fixture.deploy(target), /VM 101 \S+ is there already/);
    assert.ok(pve.vms.has(101));
  });
});

Deno.test("an id that somebody takes meanwhile is not insisted on", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    pve.rules.idsTakenMeanwhile = 2;
    const { ids } = await fixture.deploy(target);
    assert.equal(ids.vmid, "102");
    assert.deepEqual([...pve.vms.values()].map(({ vmid, template }) => [vmid, template]), [
      ...[[100, false], [101, false], [102, true]],
    ]);
  });
});

Deno.test("a node that is slow to answer is asked again", async () => {
  await withPve(async (fixture, pve) => {
    pve.fault(/^GET \/cluster\/nextid/, 1, 595);
    pve.fault(/^GET \/nodes\/pve\/tasks\//, 1, 503);
    await fixture.deploy(await fixture.target(yaml(pve)));
    assert.equal(pve.vms.get(100)?.template, true);
  });
});
