import assert from "node:assert/strict";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { configureLog } from "../../../../lib/log.ts";
import { run } from "../../../../lib/process.ts";
import { startCutProxy } from "../../../http/cut_proxy.ts";
import { newUser } from "../../../cli/pim.ts";
import { planned } from "../../../deploy/fixture.ts";
import { withHost } from "./pve_by_ssh.ts";

configureLog({ write: () => {} });

Deno.test("an image becomes a template with qm, over SSH", async () => {
  await withHost(async ({ fixture, state, yaml, uploads }) => {
    const { image } = fixture;
    const target = await fixture.target(yaml());
    const name = image.entry.name;
    assert.equal((await planned(fixture, target))[2], `create VM 100 ${name} with its disk on local-lvm`);
    assert.deepEqual(uploads(), []);
    const { ids } = await fixture.deploy(target);
    assert.equal(ids.vmid, "100");
    const { template, config } = state.vms["100"]!;
    assert.equal(template, true);
    assert.equal(config.description, `pim image ${name} sha256:${image.sha256} vmid:100\n`);
    assert.match(config.scsi0 ?? "", /^local-lvm:0,import-from=\/\S+\/uploads\/pim-\S+\.qcow2,discard=on/);
    assert.match(config.efidisk0 ?? "", /^local-lvm:0,import-from=\/\S+\.raw,efitype=4m/);
    assert.deepEqual(uploads(), []);
    const texts = fixture.events.filter(({ type }) => type === "progress").map((event) =>
      "text" in event ? event.text.split(" ")[0] : ""
    );
    assert.ok(texts.includes("upload") && texts.includes("create"));
    await fixture.deploy(target);
    assert.deepEqual(fixture.events.map(({ type }) => type), ["already"]);
    const [deployment] = await fixture.deployments();
    await removeDeployment(deployment!, target, { paths: fixture.paths, tools: fixture.tools() });
    assert.deepEqual(state.vms, {});
  }, { varsBytes: 540_672 });
});

Deno.test("what qm says of a failure is told, and nothing stays on the host", async () => {
  await withHost(async ({ fixture, state, yaml, uploads }) => {
    const target = await fixture.target(yaml());
    const fails = async (message: RegExp) => {
      await assert.rejects(fixture.deploy(target), (error: Error & { exitCode?: number }) => {
        assert.match(error.message, message);
        assert.equal(error.exitCode, 9);
        return true;
      });
      assert.deepEqual([uploads(), state.vms], [[], {}]);
    };
    state.fails = { create: "lvcreate 'pve/vm-100-disk-0' error: out of space" };
    await fails(/qm at 127\.0\.0\.1: unable to create VM 100 - lvcreate .* out of space/);
    state.fails = { template: "unable to create base volume" };
    await fails(/qm at 127\.0\.0\.1: unable to create base volume/);
    state.fails = {};
    state.availBytes = 1000;
    await fails(/only 0 MiB are free at the host/);
    state.availBytes = 10 ** 10;
    const gone = await fixture.target(yaml().replace("/uploads", "/nowhere"));
    await assert.rejects(fixture.deploy(gone), /Cannot write \S+ at 127\.0\.0\.1: .*nowhere/);
  });
});

Deno.test("a connection that is cut leaves nothing on the host", async () => {
  await withHost(async ({ fixture, sshd, state, yaml, uploads }) => {
    await using proxy = startCutProxy(sshd.port);
    const target = await fixture.target(yaml("", proxy.port));
    proxy.cutAfter(4 * 1024 ** 2);
    await assert.rejects(fixture.deploy(target), { name: "DeployError", message: /lost|closed/ });
    assert.deepEqual([uploads(), state.vms], [[], {}]);
    await fixture.deploy(target);
    assert.equal(state.vms["100"]?.template, true);
  }, { dataMiB: 8 });
});

Deno.test("a pim that was killed is gone on with, but not while its VM is still being created", async () => {
  await withHost(async ({ fixture, state, yaml, uploads }) => {
    const target = await fixture.target(yaml());
    await fixture.deploy(target);
    const vm = state.vms["100"]!;
    const upload = `${fixture.dir.path}/uploads/pim-0123456789ab-01234567.qcow2`;
    await Deno.copyFile(fixture.image.path, upload);
    await fixture.cutShort({ upload, whole: upload, vmid: "100" });
    state.vms["100"] = { template: false, config: { lock: "create" } };
    await assert.rejects(
      fixture.deploy(target),
      /VM 100 of an interrupted deployment is still being created/,
    );
    state.vms["100"] = { ...vm, template: false };
    assert.deepEqual((await planned(fixture, target)).slice(0, 2), [
      "clear what an interrupted deployment has left: VM 100",
      `create VM 101 ${fixture.image.entry.name} with its disk on local-lvm`,
    ]);
    await fixture.deploy(target);
    assert.deepEqual([Object.keys(state.vms), uploads()], [["101"], []]);
  });
});

Deno.test("who cancels leaves no upload on the host", async () => {
  await withHost(async ({ fixture, yaml, uploads }) => {
    const abort = new AbortController();
    const deploying = fixture.deploy(await fixture.target(yaml()), {
      signal: abort.signal,
      onEvent: ({ type }) => type === "progress" && abort.abort(),
    });
    await assert.rejects(deploying, { name: "CancelledError" });
    assert.deepEqual(uploads(), []);
  }, { dataMiB: 8 });
});

Deno.test("a check tells a wrong key, another host, and a storage that is not there", async () => {
  await withHost(async ({ fixture, yaml }) => {
    const checked = async (text: string) => {
      await using opened = (await fixture.target(text)).open(fixture.tools());
      return await opened.check();
    };
    assert.deepEqual((await checked(yaml())).map(({ name, ok }) => [name, ok]), [
      ...[["login", true], ["storage local-lvm", true], ["room", true]],
    ]);
    const storage = (await checked(yaml().replace("local-lvm", "tank"))).find(({ ok }) => !ok);
    assert.match(storage?.detail ?? "", /storage 'tank' does not exist/);
    const [other] = await checked(
      yaml().replace(/SHA256:./, (text) => text.endsWith("A") ? "SHA256:B" : "SHA256:A"),
    );
    assert.match(
      other?.detail ?? "",
      /Cannot reach 127\.0\.0\.1: .* has the host key SHA256:\S+, not the expected/,
    );
    const stranger = `${fixture.dir.path}/stranger`;
    await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger]);
    const [refused] = await checked(yaml().replace(`${fixture.dir.path}/key`, stranger));
    assert.match(refused?.detail ?? "", /SSH login as \S+ was refused \(tried: key\)/);
  });
});

Deno.test("a user makes a template over SSH from the command line", async () => {
  await withHost(async ({ fixture, state, yaml }) => {
    await fixture.target(yaml());
    await using user = await newUser();
    const env = { PIM_DATA_DIR: fixture.paths.dataDir, PIM_CONFIG_DIR: fixture.paths.configDir };
    const pim = (...args: string[]) => user.run([...user.argv, ...args], { env });
    const done = await pim("--debug", "deploy", "run", "web", "there");
    assert.equal(done.code, 0, done.stderr);
    assert.ok(!/OPENSSH PRIVATE KEY/.test(done.stderr));
    assert.equal(state.vms["100"]?.template, true);
    assert.match((await pim("deploy", "status")).stdout, /there\s*$/m);
  });
});
