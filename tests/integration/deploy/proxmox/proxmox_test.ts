import assert from "node:assert/strict";
import { configureLog } from "../../../../lib/log.ts";
import { newUser } from "../../../cli/pim.ts";
import { planned } from "../../../deploy/fixture.ts";
import { assertClean, source, withPve, yaml } from "./pve_by_api.ts";

const warnings: string[] = [];
configureLog({ write: (line) => void warnings.push(line) });

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

Deno.test("an image for another architecture is refused", async () => {
  await withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve));
    await assert.rejects(fixture.deploy(target), /Proxmox VE runs amd64, and it is arm64/);
  }, { architecture: "arm64" });
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
