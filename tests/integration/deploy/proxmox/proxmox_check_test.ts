import assert from "node:assert/strict";
import { configureLog } from "../../../../lib/log.ts";
import { withPve, yaml } from "./pve_by_api.ts";

configureLog({ write: () => {} });

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
    // Nothing is asked of a node that is not there.
    const elsewhere = await checked(yaml(pve).replace("node: pve", "node: pve2"));
    assert.deepEqual(elsewhere.map(({ name, ok }) => [name, ok]), [["version", true], ["node", false]]);
    assert.deepEqual([elsewhere[1]?.detail, elsewhere[1]?.hint], [
      ...["pve2 is not in the cluster", "Set node in targets.d to one of: pve"],
    ]);
    const [storage] = await failed(yaml(pve).replace("local-lvm", "tank"));
    assert.match(storage?.detail ?? "", /answers 500: storage 'tank' does not exist/);
    pve.requests.length = 0;
    pve.fault(/^GET \/version/, 1, 503);
    assert.match((await failed())[0]?.detail ?? "", /answers 503/);
    assert.equal(pve.requests.length, 1, "it is not asked again");
    pve.rules.token = "another";
    pve.rules.tokenSays = "token 'deploy' access expired";
    const [expired] = await failed();
    assert.match(
      expired?.detail ?? "",
      /refuses the API token pim@pve!deploy: token 'deploy' access expired/,
    );
    const [untrusted] = await failed(yaml(pve).replace(/ {2}fingerprint.*\n/, ""));
    assert.match(untrusted?.detail ?? "", /its certificate is not accepted/);
    await fixture.write({ "targets.d/ca.pem": pve.certificate.ca });
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
    await assert.rejects(
      fixture.target(yaml(pve).replace("$PVE_TOKEN", "plain")),
      /must be a reference/,
    );
  });
});
