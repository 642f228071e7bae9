import assert from "node:assert/strict";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { configureLog } from "../../../../lib/log.ts";
import { startCutProxy } from "../../../base/cut_proxy.ts";
import { newUser } from "../../../cli/pim.ts";
import { deployFixture, planned } from "../../../deploy/fixture.ts";
import { type Pve, startPve } from "./proxmox_server.ts";
import { withPve, yaml } from "./pve_by_api.ts";

const warnings: string[] = [];
configureLog({ write: (line) => void warnings.push(line) });

/** The host as it was before anybody deployed. */
function assertClean(pve: Pve): void {
  assert.deepEqual([...pve.vms.keys()], []);
  assert.deepEqual([...pve.files.keys()], []);
}

const source = String.raw`local:import/pim-[0-9a-f]{12}-[0-9a-f]{8}`;

Deno.test("an image becomes a template, and what was uploaded for it is removed", async () => {
  await withPve(async (fixture, pve) => {
    const { image } = fixture;
    const target = await fixture.target(yaml(pve, "  tags: [golden]\n  cpus: 4\n  memory: 4G\n"));
    const name = image.entry.name;
    const plan = await planned(fixture, target);
    assert.match(plan[0] ?? "", new RegExp(`^upload 2 MiB to ${source}\\.qcow2$`));
    assert.deepEqual(plan.slice(1, 3), [
      `create VM 100 ${name} with its disk on local-lvm`,
      "make it a template",
    ]);
    assert.match(plan[3] ?? "", new RegExp(`^remove ${source}\\.qcow2$`));
    assertClean(pve);
    const { ids, where } = await fixture.deploy(target);
    assert.equal(where, `template ${name} on 127.0.0.1`);
    assert.deepEqual([ids.vmid, [...pve.files.keys()]], ["100", []]);
    const { config, template } = pve.vms.get(100)!;
    assert.equal(template, true);
    const { scsi0 = "", ...rest } = config;
    assert.match(scsi0, new RegExp(`^local-lvm:0,import-from=${source}\\.qcow2,discard=on,iothread=1$`));
    assert.deepEqual(rest, {
      ...{ name, description: `pim image ${name} sha256:${image.sha256} vmid:100\n`, tags: "pim;golden" },
      ...{ ostype: "l26", machine: "q35", cpu: "x86-64-v2-AES", cores: "4", memory: "4096" },
      ...{ agent: "enabled=1", scsihw: "virtio-scsi-single", boot: "order=scsi0" },
      ...{ net0: "virtio,bridge=vmbr0", serial0: "socket", ide2: "local-lvm:cloudinit" },
    });
    assert.ok(fixture.events.some((event) => event.type === "progress" && event.text.startsWith("upload")));
    assert.ok(fixture.events.some((event) => event.type === "progress" && event.text.startsWith("create")));
    await fixture.deploy(target);
    assert.deepEqual(fixture.events.map(({ type }) => type), ["already"]);
    await using opened = target.open(fixture.tools());
    const presence = () => opened.presence(ids, image.sha256);
    assert.equal(await presence(), "there");
    // A clone has the notes of its template, and another id.
    pve.vms.set(101, { vmid: 101, template: false, config: { ...config, name: "clone" } });
    assert.equal(await opened.presence({ vmid: "101" }, image.sha256), "changed");
    pve.vms.get(100)!.template = false;
    assert.equal(await presence(), "changed");
    pve.vms.delete(100);
    assert.equal(await presence(), "missing");
  });
});

Deno.test("a UEFI image brings its variables, and one without them gets empty ones", async () => {
  await withPve(async (fixture, pve) => {
    await fixture.deploy(await fixture.target(yaml(pve)));
    const { bios, efidisk0 = "" } = pve.vms.get(100)!.config;
    assert.equal(bios, "ovmf");
    assert.match(
      efidisk0,
      new RegExp(`^local-lvm:0,import-from=${source}\\.raw,efitype=4m,pre-enrolled-keys=0$`),
    );
    assert.deepEqual([...pve.files.keys()], []);
  }, { varsBytes: 540_672 });
  await withPve(async (fixture, pve) => {
    await fixture.deploy(await fixture.target(yaml(pve)));
    assert.equal(pve.vms.get(100)!.config.efidisk0, "local-lvm:1,efitype=4m,pre-enrolled-keys=0");
  }, { varsBytes: 131_072 });
  await withPve(async (fixture, pve) => {
    await fixture.deploy(await fixture.target(yaml(pve, "  cloud_init: false\n")));
    const { efidisk0, ide2 } = pve.vms.get(100)!.config;
    assert.deepEqual([efidisk0, ide2], ["local-lvm:1,efitype=4m,pre-enrolled-keys=0", undefined]);
  }, { firmware: "uefi" });
});

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

Deno.test("who may not remove the upload has a template all the same, and a warning", async () => {
  await withPve(async (fixture, pve) => {
    pve.rules.lacks = ["/storage/local Datastore.Allocate"];
    warnings.length = 0;
    await fixture.deploy(await fixture.target(yaml(pve)));
    assert.equal(pve.vms.get(100)?.template, true);
    assert.equal(pve.files.size, 1);
    assert.match(warnings.join("\n"), /local:import\/\S+ could not be removed: .*Datastore\.Allocate\)/);
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

Deno.test("a VM that is not pim's, or a clone of a template, is never destroyed", async () => {
  await withPve(async (fixture, pve) => {
    const { image } = fixture;
    const target = await fixture.target(yaml(pve, "  vmid: 900\n"));
    const foreign = { vmid: 900, template: false, config: { name: "production" } };
    pve.vms.set(900, foreign);
    for (const force of [false, true]) {
      await assert.rejects(fixture.deploy(target, { force }), (error: Error & { hint?: string }) => {
        assert.match(error.message, /VM 900 production is there already \(not pim's\)/);
        assert.match(error.hint ?? "", /Set another vmid/);
        return true;
      });
    }
    const mark = `pim image web-old sha256:${"0".repeat(64)} vmid:899`;
    pve.vms.set(900, { ...foreign, config: { name: "clone", description: mark } });
    await assert.rejects(fixture.deploy(target, { force: true }), /VM 900 clone .*not pim's/);
    pve.vms.set(900, {
      ...{ vmid: 900, template: true },
      config: { name: "golden", description: mark.replace("899", "900") },
    });
    await assert.rejects(
      fixture.deploy(target),
      /VM 900 golden is there already \(web-old, deployed by pim\)/,
    );
    assert.ok(
      (await planned(fixture, target, true)).includes("destroy VM 900 (web-old), whose place it takes"),
    );
    const deployment = await fixture.deploy(target, { force: true });
    assert.deepEqual([...pve.vms.keys()], [900]);
    assert.match(pve.vms.get(900)?.config.description ?? "", new RegExp(image.sha256));
    const options = { paths: fixture.paths, tools: fixture.tools() };
    pve.vms.set(900, foreign);
    await assert.rejects(removeDeployment(deployment, target, options), /pim has not made it/);
    assert.equal(pve.vms.get(900), foreign);
    const later = {
      ...{ vmid: 900, template: true },
      config: { name: "golden", description: mark.replace("899", "900") },
    };
    pve.vms.set(900, later);
    await removeDeployment(deployment, target, options);
    assert.equal(pve.vms.get(900), later);
    assert.deepEqual(await fixture.deployments(), []);
    pve.vms.delete(900);
    const again = await fixture.deploy(target);
    await removeDeployment(again, target, options);
    assert.equal(pve.vms.size, 0);
  });
});

Deno.test("a VM that somebody has made under the id of a template that is gone is left alone", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    await fixture.deploy(target);
    const foreign = { vmid: 100, template: false, config: { name: "production" } };
    pve.vms.set(100, foreign);
    const name = fixture.image.entry.name;
    assert.equal((await planned(fixture, target))[1], `create VM 101 ${name} with its disk on local-lvm`);
    await fixture.deploy(target);
    assert.equal(pve.vms.get(100), foreign);
    assert.equal(pve.vms.get(101)?.template, true);
  });
});

Deno.test("the name of a template is taken over with --force, from pim's own only", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve, "  name: golden_web\n"));
    const mark = `pim image web-old sha256:${"0".repeat(64)} vmid:200`;
    pve.vms.set(200, { vmid: 200, template: true, config: { name: "golden-web", description: mark } });
    pve.vms.set(201, { vmid: 201, template: false, config: { name: "golden-web" } });
    await assert.rejects(fixture.deploy(target), /as golden-web: VM 200 golden-web is there already/);
    await fixture.deploy(target, { force: true });
    assert.deepEqual([...pve.vms.keys()], [201, 100]);
  });
});

Deno.test("a template of which nothing is written down is taken as it is", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    await fixture.deploy(target);
    await Deno.remove(`${fixture.paths.dataDir}/registry.yml`);
    assert.deepEqual(await planned(fixture, target), ["write down VM 100, which is there already"]);
    assert.deepEqual((await fixture.deploy(target)).ids, {
      ...{ vmid: "100", node: "pve", sha256: fixture.image.sha256, finished: "100" },
    });
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

Deno.test("an image for another architecture is refused", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    await assert.rejects(fixture.deploy(target), /Proxmox VE runs amd64, and it is arm64/);
  }, { architecture: "arm64" });
});

Deno.test("a check names what is wrong with the host, the storages and the token", async () => {
  await withPve(async (fixture, pve) => {
    const checked = async (text = yaml(pve)) => {
      await using opened = (await fixture.target(text)).open(fixture.tools());
      return await opened.check();
    };
    const failed = async (text?: string) => (await checked(text)).filter(({ ok }) => !ok);
    assert.deepEqual((await checked()).map(({ name, ok }) => [name, ok]), [
      ...[["version", true], ["node", true], ["storage local-lvm", true], ["storage local", true]],
      ["privileges", true],
    ]);
    pve.rules.version = "8.3.0";
    assert.match((await failed())[0]?.hint ?? "", /since 8\.4; take mode: ssh/);
    pve.rules.version = "9.0.3";
    pve.rules.importContent = "iso,vztmpl";
    assert.match((await failed())[0]?.hint ?? "", /pvesm set local --content iso,vztmpl,import/);
    pve.rules.importContent = "import";
    pve.rules.lacks = ["/vms VM.Allocate", "/storage/local Datastore.Allocate"];
    assert.match(
      (await failed())[0]?.detail ?? "",
      /the token lacks \/vms: VM\.Allocate; \/storage\/local: Datastore\.Allocate/,
    );
    pve.rules.lacks = [];
    assert.match((await failed(yaml(pve).replace("node: pve", "node: pve2")))[0]?.hint ?? "", /one of: pve/);
    const [storage] = await failed(yaml(pve).replace("local-lvm", "tank"));
    assert.match(storage?.detail ?? "", /answers 500: storage 'tank' does not exist/);
    pve.rules.token = "another";
    pve.rules.tokenSays = "token 'deploy' access expired";
    const [expired] = await failed();
    assert.match(
      expired?.detail ?? "",
      /refuses the API token pim@pve!deploy: token 'deploy' access expired/,
    );
    const [untrusted] = await failed(yaml(pve).replace(/ {2}fingerprint.*\n/, ""));
    assert.match(untrusted?.detail ?? "", /its certificate is not accepted/);
    await fixture.dir.write("config/pim/targets.d/ca.pem", pve.certificate.ca);
    const [byAuthority] = await failed(yaml(pve).replace(/ {2}fingerprint.*\n/, "  ca_file: ca.pem\n"));
    assert.match(byAuthority?.detail ?? "", /refuses the API token/);
  });
});

Deno.test("settings that do not go together are told with their lines", async () => {
  await withPve(async (fixture, pve) => {
    const text =
      "there:\n  type: proxmox\n  mode: ssh\n  host: pve\n  storage: local-lvm\n  token: $X\n  vmid: 7\n";
    await assert.rejects(fixture.target(text), (error: Error) => {
      assert.match(error.message, /key is missing \(needed in mode ssh\)/);
      assert.match(error.message, /host_key is missing \(needed in mode ssh\)/);
      assert.match(error.message, /there\.yml:6: token must be left out in mode ssh/);
      assert.match(error.message, /there\.yml:7: vmid must be 100 or more/);
      return true;
    });
    await assert.rejects(
      fixture.target(yaml(pve, "  ca_file: x\n  token_name: y\n")),
      /token_name is not known/,
    );
    await assert.rejects(
      fixture.target(yaml(pve, "  ca_file: x\n")),
      /ca_file must be left out where there is/,
    );
    await assert.rejects(fixture.target(yaml(pve).replace("$PVE_TOKEN", "plain")), /must be a reference/);
  });
});

Deno.test("a user makes a template from the command line, and the token is never shown", async () => {
  await withPve(async (fixture, pve) => {
    await fixture.target(yaml(pve));
    await using user = await newUser();
    const env = {
      ...{ PIM_DATA_DIR: fixture.paths.dataDir, PIM_CONFIG_DIR: fixture.paths.configDir },
      PVE_TOKEN: pve.rules.token,
    };
    const pim = (...args: string[]) => user.run([...user.argv, ...args], { env });
    const dry = await pim("deploy", "run", "web", "there", "--dry-run");
    assert.match(dry.stdout, /create VM 100 web-amd64-\S+ with its disk on local-lvm/);
    const done = await pim("--debug", "deploy", "run", "web", "there");
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^template web-amd64-\S+ on 127\.0\.0\.1/);
    assert.ok(!(done.stderr + done.stdout).includes(pve.rules.token));
    assert.ok(!(await Deno.readTextFile(`${fixture.paths.dataDir}/registry.yml`)).includes(pve.rules.token));
    assert.match((await pim("deploy", "status")).stdout, /there\s*$/m);
    pve.rules.token = "another";
    const refused = await pim("deploy", "run", "web", "there", "--force");
    assert.equal(refused.code, 9, refused.stderr);
    assert.match(refused.stderr, /refuses the API token/);
  });
});
