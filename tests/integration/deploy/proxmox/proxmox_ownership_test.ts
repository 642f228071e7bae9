import assert from "node:assert/strict";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { configureLog } from "../../../../lib/log.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { planned } from "../../../deploy/fixture.ts";
import { withPve, yaml } from "./pve_by_api.ts";

configureLog({ write: () => {} });

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

Deno.test("a template is neither forgotten nor taken for another when the target's node or storage changes", async () => {
  await withPve(async (fixture, pve) => {
    const deployment = await fixture.deploy(await fixture.target(yaml(pve)));
    for (const [setting, changed] of [["node: pve", "node: pve2"], ["local-lvm", "tank"]] as const) {
      const target = await fixture.target(yaml(pve).replace(setting, changed));
      await assert.rejects(
        fixture.deploy(target),
        deployFailure(/this target has it as template web-\S+ on 127\.0\.0\.1/, /a target of its own/),
      );
    }
    const elsewhere = await fixture.target(yaml(pve).replace("node: pve", "node: pve2"));
    await assert.rejects(
      removeDeployment(deployment, elsewhere, { paths: fixture.paths, tools: fixture.tools() }),
      { name: "UsageError", message: /leads to pve2 of 127\.0\.0\.1 now/, hint: /--forget/ },
    );
    assert.deepEqual([[...pve.vms.keys()], await fixture.deployments()], [[100], [deployment]]);
  });
});
