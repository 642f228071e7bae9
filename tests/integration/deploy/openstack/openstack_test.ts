import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { configureLog } from "../../../../lib/log.ts";
import { startCutProxy } from "../../../http/cut_proxy.ts";
import { newUser } from "../../../cli/pim.ts";
import { planned } from "../../../deploy/fixture.ts";
import { diskBytes } from "../../../deploy/image_place.ts";
import { userOf, withCloud, yaml } from "./openstack_place.ts";
import { type Cloud, startCloud } from "./openstack_server.ts";

configureLog({ write: () => {} });

const only = (cloud: Cloud) => {
  assert.equal(cloud.images.size, 1);
  return [...cloud.images.values()][0]!;
};

const sha512 = async (path: string) => createHash("sha512").update(await Deno.readFile(path)).digest("hex");

Deno.test("an image gets its name only when it is whole, with what pim knows of it", async () => {
  await withCloud(async (fixture, cloud) => {
    const { image } = fixture;
    const target = await fixture.target(
      yaml(cloud.port, "  properties: { hw_disk_bus: scsi, hw_vif_multiqueue_enabled: true }\n"),
    );
    assert.deepEqual(await planned(fixture, target), [
      `upload ${Math.ceil(image.entry.bytes / 1024 ** 2)} MiB (qcow2) and compare its checksum`,
      `call it ${image.entry.name}, visibility private`,
    ]);
    assert.equal(cloud.images.size, 0);
    const { ids, where } = await fixture.deploy(target);
    assert.equal(where, `image ${image.entry.name} in project demo, 127.0.0.1:${cloud.port} (RegionOne)`);
    const stored = only(cloud);
    assert.deepEqual(ids, { image: stored.id, hash: await sha512(image.path) });
    const expected = {
      ...{ name: image.entry.name, status: "active", visibility: "private", size: image.entry.bytes },
      ...{ disk_format: "qcow2", container_format: "bare", min_disk: 20, min_ram: 0, os_type: "linux" },
      ...{ architecture: "x86_64", hw_qemu_guest_agent: "yes", hw_disk_bus: "scsi" },
      ...{ hw_vif_multiqueue_enabled: "true", pim_image: image.entry.name, pim_sha256: image.sha256 },
    };
    for (const [key, value] of Object.entries(expected)) assert.equal(stored[key], value, key);
    assert.deepEqual(cloud.lengths, [String(image.entry.bytes)]);
    await fixture.deploy(target);
    assert.deepEqual(fixture.events.map(({ type }) => type), ["already"]);
    await using opened = target.open(fixture.tools());
    const presence = () => opened.presence(ids, image.sha256);
    assert.equal(await presence(), "there");
    stored.os_hash_value = "00";
    assert.equal(await presence(), "changed");
    stored.os_hash_value = ids.hash;
    stored.status = "deactivated";
    assert.equal(await presence(), "changed");
    cloud.images.clear();
    assert.equal(await presence(), "missing");
  });
});

Deno.test("a UEFI image says so, and a raw one is written as its flavour sees it", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port, "  format: raw\n"));
    await fixture.deploy(target);
    const { hw_firmware_type, hw_machine_type, disk_format, size } = only(cloud);
    assert.deepEqual({ hw_firmware_type, hw_machine_type, disk_format, size }, {
      ...{ hw_firmware_type: "uefi", hw_machine_type: "q35", disk_format: "raw", size: diskBytes },
    });
  }, { varsBytes: 540_672, virtualBytes: diskBytes });
});

Deno.test("a staged image is imported and waited for, and a failed import leaves nothing", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port, "  import: true\n"));
    await fixture.deploy(target);
    assert.equal(only(cloud).status, "active");
    assert.ok(cloud.requests.some((line) => /^PUT .*\/stage$/.test(line)));
    assert.ok(cloud.requests.some((line) => /^POST .*\/import$/.test(line)));
    cloud.rules.importConverts = true;
    const { ids } = await fixture.deploy(target, { force: true });
    assert.deepEqual([only(cloud).disk_format, ids.hash], ["raw", "c0ffee"]);
    cloud.rules.importFails = true;
    await assert.rejects(fixture.deploy(target, { force: true }), {
      name: "DeployError",
      message: /import into ceph failed/,
    });
    assert.equal(only(cloud).name, fixture.image.entry.name);
    await using opened = target.open(fixture.tools());
    cloud.rules.importMethods = ["web-download"];
    assert.deepEqual((await opened.check()).map(({ name, ok }) => [name, ok]), [
      ...[["credential", true], ["image service", true], ["import", false]],
    ]);
  });
});

Deno.test("a connection that is cut half-way is begun anew, and leaves no half image", async () => {
  await using cloud = await startCloud({ publicPort: () => proxy.port });
  await using proxy = startCutProxy(cloud.port);
  await using fixture = await userOf(cloud, { dataMiB: 8 });
  const target = await fixture.target(yaml(cloud.port));
  proxy.cutAfter(4 * 1024 ** 2);
  await fixture.deploy(target);
  assert.equal(cloud.lengths.length, 2);
  assert.equal(only(cloud).os_hash_value, await sha512(fixture.image.path));
});

Deno.test("a token that expires is renewed once, before an upload and in it", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    cloud.rules.expiresInUpload = true;
    await fixture.deploy(target, {
      onEvent(event) {
        if (event.type === "planned") cloud.expireTokens();
      },
    });
    assert.equal(only(cloud).status, "active");
    assert.equal(cloud.requests.filter((line) => line.endsWith("/auth/tokens")).length, 3);
  });
});

Deno.test("a busy service is asked again, and one that stays broken is not asked for ever", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    const busy = (status: number) => () => new Response("busy", { status, headers: { "retry-after": "0" } });
    cloud.fault(/^GET \/image\/v2\/images$/, 1, busy(503));
    cloud.fault(/^PUT /, 1, busy(500));
    cloud.fault(/^PATCH /, 1, busy(429));
    await fixture.deploy(target);
    assert.equal(only(cloud).status, "active");
    cloud.fault(/^PUT /, 99, busy(500));
    await assert.rejects(fixture.deploy(target, { force: true }), {
      name: "DeployError",
      message: /127\.0\.0\.1:\d+ answers 500 Internal Server Error: busy/,
    });
    assert.equal(only(cloud).name, fixture.image.entry.name);
  });
});

Deno.test("no room, a forbidden visibility and damaged data are told, and nothing stays", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port, "  visibility: public\n"));
    cloud.rules.quotaBytes = 500_000;
    await assert.rejects(fixture.deploy(target), (error: Error & { hint?: string; exitCode?: number }) => {
      assert.match(error.message, /answers 413 Payload Too Large: Image exceeds the storage quota/);
      assert.match(error.hint ?? "", /quota or the store is full/);
      assert.equal(error.exitCode, 9);
      return true;
    });
    assert.equal(cloud.images.size, 0);
    cloud.rules.quotaBytes = Infinity;
    cloud.rules.damages = true;
    await assert.rejects(fixture.deploy(target), /has stored something else: its sha512 is/);
    cloud.rules.multihash = false;
    await assert.rejects(fixture.deploy(target), /has stored something else: its md5 is 0{32}/);
    assert.equal(cloud.images.size, 0);
    cloud.rules.damages = false;
    await assert.rejects(fixture.deploy(target), /answers 403 Forbidden: You are not authorized to complete/);
    // It is whole, but has no name; the next run with a visibility that is allowed goes on from there.
    assert.equal(only(cloud).name, `${fixture.image.entry.name}.part`);
    const modest = await fixture.target(yaml(cloud.port));
    assert.deepEqual(await planned(fixture, modest), [
      `compare the checksum of the image ${only(cloud).id}, which is uploaded already`,
      `call it ${fixture.image.entry.name}, visibility private`,
    ]);
    await fixture.deploy(modest);
    assert.deepEqual([only(cloud).name, only(cloud).visibility], [fixture.image.entry.name, "private"]);
  });
});

Deno.test("what a pim that was killed has left is removed by the next", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    const killed = cloud.images;
    cloud.fault(/^PUT /, 1, () => Response.json({}, { status: 403 }));
    cloud.fault(/^DELETE /, 1, () => Response.json({}, { status: 403 }));
    await assert.rejects(fixture.deploy(target), /answers 403/);
    const left = only(cloud);
    left.status = "saving";
    assert.deepEqual((await planned(fixture, target)).slice(0, 1), [
      `remove the image ${left.id}, which an interrupted deployment has left`,
    ]);
    assert.deepEqual((await fixture.deployments()).map(({ state }) => state), ["unfinished"]);
    await fixture.deploy(target);
    assert.ok(!killed.has(String(left.id)));
    assert.equal(only(cloud).name, fixture.image.entry.name);
  });
});

Deno.test("who cancels leaves nothing in the cloud", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    const abort = new AbortController();
    const deploying = fixture.deploy(target, {
      signal: abort.signal,
      onEvent: ({ type }) => type === "progress" && abort.abort(),
    });
    await assert.rejects(deploying, { name: "CancelledError" });
    assert.equal(cloud.images.size, 0);
    await fixture.deploy(target);
    assert.equal(only(cloud).status, "active");
  }, { dataMiB: 8 });
});

Deno.test("a name that is taken is respected, and with --force only what is pim's is replaced", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port, "  name: golden\n"));
    const foreign = { id: crypto.randomUUID(), name: "golden", status: "active" };
    const owner = "263fd9b2d1a04a7b8b3a7f0a1a6a9b33";
    cloud.images.set(foreign.id, { ...foreign, owner });
    await assert.rejects(fixture.deploy(target), /there is an image golden already \(\S+, not pim's\)/);
    // A snapshot of a server has the properties of the image that it was made of.
    const id = crypto.randomUUID();
    const older = { ...foreign, owner, id, pim_image: "web-old", pim_sha256: "0", pim_id: id };
    cloud.images.set(foreign.id, { ...older, id: foreign.id });
    await assert.rejects(fixture.deploy(target), /not pim's/);
    cloud.images.clear();
    cloud.images.set(older.id, older);
    await assert.rejects(fixture.deploy(target), /an image golden already \(\S+, web-old, deployed by pim\)/);
    for (const id of [crypto.randomUUID(), crypto.randomUUID(), foreign.id]) {
      cloud.images.set(id, { ...foreign, owner, id });
    }
    assert.equal((await planned(fixture, target, true)).length, 3);
    const { ids } = await fixture.deploy(target, { force: true });
    assert.equal(cloud.images.size, 4);
    assert.ok(!cloud.images.has(older.id) && cloud.images.has(ids.image ?? ""));
  });
});

Deno.test("an image of which nothing is written down is taken as it is", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    const { ids } = await fixture.deploy(target);
    await Deno.remove(`${fixture.paths.dataDir}/registry.yml`);
    assert.deepEqual(await planned(fixture, target), [
      `write down the image ${ids.image}, which is there already`,
    ]);
    assert.deepEqual((await fixture.deploy(target)).ids, ids);
    assert.equal(cloud.lengths.length, 1);
  });
});

Deno.test("removal keeps to what is pim's", async () => {
  await withCloud(async (fixture, cloud) => {
    const target = await fixture.target(yaml(cloud.port));
    const deployment = await fixture.deploy(target);
    const options = { paths: fixture.paths, tools: fixture.tools() };
    const stored = only(cloud);
    stored.protected = true;
    await assert.rejects(
      removeDeployment(deployment, target, options),
      (error: Error & { hint?: string }) => {
        assert.match(error.message, /is protected and cannot be deleted/);
        assert.match(error.hint ?? "", /openstack image set --unprotected/);
        return true;
      },
    );
    stored.protected = false;
    stored.pim_id = "another";
    await assert.rejects(removeDeployment(deployment, target, options), /pim has not made it/);
    stored.pim_id = stored.id;
    await removeDeployment(deployment, target, options);
    assert.equal(cloud.images.size, 0);
    assert.deepEqual(await fixture.deployments(), []);
  });
});

Deno.test("a wrong secret, a wrong region and a wrong address are told apart by a check", async () => {
  await withCloud(async (fixture, cloud) => {
    const checked = async (text: string) => {
      await using opened = (await fixture.target(text)).open(fixture.tools());
      return await opened.check();
    };
    assert.deepEqual((await checked(yaml(cloud.port))).map(({ name, ok }) => [name, ok]), [
      ...[["credential", true], ["image service", true]],
    ]);
    const [region] = await checked(yaml(cloud.port, "  region: RegionTwo\n"));
    assert.match(region?.detail ?? "", /no public image service in the region RegionTwo/);
    assert.match(region?.hint ?? "", /It has: RegionOne/);
    cloud.requests.length = 0;
    cloud.fault(/auth\/tokens/, 1, () => new Response(null, { status: 503 }));
    const [busy] = await checked(yaml(cloud.port));
    assert.match(busy?.detail ?? "", /answers 503/);
    assert.equal(cloud.requests.length, 1, "it is not asked again");
    cloud.rules.regions.push("RegionTwo");
    const [several] = await checked(yaml(cloud.port));
    assert.match(several?.hint ?? "", /Set region in targets\.d to one of: RegionOne, RegionTwo/);
    cloud.rules.secret = "another";
    const [secret] = await checked(yaml(cloud.port));
    assert.match(secret?.detail ?? "", /refuses the application credential 6cb5/);
    assert.match(secret?.hint ?? "", /expired/);
    const [untrusted] = await checked(yaml(cloud.port).replace("  ca_file: ca.pem\n", ""));
    assert.match(untrusted?.detail ?? "", /its certificate is not accepted/);
    const [address] = await checked(yaml(cloud.port).replace("/identity", "/image"));
    assert.match(address?.detail ?? "", /answers|refuses/);
    await assert.rejects(
      checked(yaml(cloud.port).replace("$CLOUD_SECRET", "in-plain-text")),
      (error: Error) => {
        assert.match(error.message, /there\.yml:5: application_credential_secret must be a reference/);
        return true;
      },
    );
  });
});

Deno.test("a cloud without TLS is used, and a check says so", async () => {
  await using cloud = await startCloud({ tls: false });
  await using fixture = await userOf(cloud);
  const target = await fixture.target(yaml(cloud.port).replace("https:", "http:"));
  await using opened = target.open(fixture.tools());
  const transport = (await opened.check()).find(({ name }) => name === "transport");
  assert.match(transport?.detail ?? "", /^127\.0\.0\.1:\d+ without TLS/);
  await fixture.deploy(target);
  assert.equal(only(cloud).status, "active");
});

Deno.test("a user deploys to a cloud from the command line, and the secret is never shown", async () => {
  await withCloud(async (fixture, cloud) => {
    await fixture.target(yaml(cloud.port));
    await using user = await newUser();
    const env = {
      ...{ PIM_DATA_DIR: fixture.paths.dataDir, PIM_CONFIG_DIR: fixture.paths.configDir },
      CLOUD_SECRET: cloud.rules.secret,
    };
    const pim = (...args: string[]) => user.run([...user.argv, ...args], { env });
    const dry = await pim("deploy", "run", "web", "there", "--dry-run");
    assert.match(dry.stdout, /upload \d+ MiB \(qcow2\) and compare its checksum/);
    const done = await pim("--debug", "deploy", "run", "web", "there");
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, /^image web-amd64-\S+ in project demo/);
    assert.ok(!/rEaSdQ0|gAAAAA/.test(done.stderr + done.stdout));
    assert.ok(!/rEaSdQ0|gAAAAA/.test(await Deno.readTextFile(`${fixture.paths.dataDir}/registry.yml`)));
    assert.match((await pim("deploy", "status")).stdout, /there\s*$/m);
    assert.equal((await pim("deploy", "remove", `there/${fixture.image.entry.name}`)).code, 0);
    assert.equal(cloud.images.size, 0);
    cloud.rules.quotaBytes = 1;
    const full = await pim("deploy", "run", "web", "there");
    assert.equal(full.code, 9, full.stderr);
    assert.match(full.stderr, /answers 413/);
  });
});
