// Servers at which nothing but a host's sshd answers, which knows no pim-verify: the demo's image is booted in tests/e2e.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { wantsVerification } from "../../../../lib/deploy/load_targets.ts";
import type { Ids } from "../../../../lib/deploy/target.ts";
import { verifyDeployment, type Verifying } from "../../../../lib/deploy/verify.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { putDeployment } from "../../../../lib/image/deployments.ts";
import { configureLog } from "../../../../lib/log.ts";
import { registryFile } from "../../../../lib/paths.ts";
import type { Check } from "../../../../lib/verify/verification.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import type { DeployFixture } from "../../../deploy/fixture.ts";
import { verifyingWith } from "../../../deploy/verifying.ts";
import { freePort, startSshd } from "../../../ssh/sshd.ts";
import type { StandInServer } from "./openstack_compute.ts";
import { withCloud, yaml } from "./openstack_place.ts";
import type { Cloud } from "./openstack_server.ts";

configureLog({ write: () => {} });

const verifyYaml = (port: number, settings = "", sshPort = freePort()) =>
  yaml(
    port,
    `  name: gold\n  verify_instance: { flavor: m1.small, network: demo-net, ssh_port: ${sshPort}${settings} }\n`,
  );

function verifying({ paths }: DeployFixture, bootTimeoutMs = 500): Verifying {
  const images = { registryPath: registryFile(paths), imageDir: paths.dataDir };
  const dirs = { vmsDir: paths.dataDir, runtimeDir: paths.dataDir, cacheDir: paths.cacheDir };
  return verifyingWith({ ...dirs, images }, bootTimeoutMs);
}

/** What is written down of the deployment, and how many servers and floating IPs there are. */
async function left(fixture: DeployFixture, { compute: { servers, network } }: Cloud) {
  const [kept] = await fixture.deployments();
  return [kept?.verified?.ok, kept?.ids.instance, servers.size, network.floatingIps.size];
}

const nothing = [undefined, undefined, 0, 0];

/** Starts an instance as a pim that is killed then. */
async function startAndDie(fixture: DeployFixture, text: string): Promise<void> {
  const [deployment] = await fixture.deployments();
  await using opened = (await fixture.target(text)).open(fixture.tools());
  let ids: Ids = deployment!.ids;
  await opened.startInstance!(fixture.image, {
    ...{ ids, signal: new AbortController().signal, workDir: fixture.dir.path },
    made(more) {
      ids = { ...ids, ...more };
      return Promise.resolve();
    },
  });
  await putDeployment(registryFile(fixture.paths), { ...deployment!, ids });
}

Deno.test("what was deployed is started as a server that lets pim alone in, asked over SSH, and removed", () =>
  withCloud(async (fixture, cloud) => {
    await using sshd = await startSshd();
    cloud.compute.network.groups.push({ id: crypto.randomUUID(), name: "ssh", rules: [] });
    const target = await fixture.target(verifyYaml(cloud.port, ", security_groups: [ssh]", sshd.port));
    const checks = new Map<string, Check>();
    const servers: StandInServer[] = [];
    const instances: (string | undefined)[] = [];
    const failing = fixture.deploy(target, {
      verifying: verifying(fixture, 1500),
      async onEvent(event) {
        if (event.type === "check") checks.set(event.check.name, event.check);
        if (event.type !== "verifying" || !event.text.startsWith("waiting")) return;
        servers.push(...cloud.compute.servers.values());
        instances.push((await fixture.deployments())[0]?.ids.instance);
      },
    });
    await assert.rejects(failing, {
      ...{ name: "VerificationError", exitCode: 8 },
      message: /^The deployment there\/web-\S+ is not as it shall be: 2 of 12 checks failed: boot, SSH$/,
    });
    const [server] = servers;
    assert.match(server?.name ?? "", /^pim-verify-web-amd64-\w+-[0-9a-f]{8}$/);
    assert.deepEqual([server?.groups, server?.metadata.pim_instance, instances], [
      ...[["ssh"], server?.name, [server?.name]],
    ]);
    assert.match(server?.userData ?? "", /^#cloud-config\n.*"name":"pim-verify".*"ssh-ed25519 AAAA/);
    // There it was found, at its IPv4 address.
    const ssh = checks.get("SSH")?.detail ?? "";
    assert.match(ssh, new RegExp(`pim-verify@127\\.0\\.0\\.1:${sshd.port}.*refused`));
    assert.equal(checks.get("guest agent")?.result, "skipped");
    assert.deepEqual(await left(fixture, cloud), [false, undefined, 0, 0]);
    assert.equal(cloud.images.size, 1);
  }));

Deno.test("a server that ends by itself is not waited for", () =>
  withCloud(async (fixture, cloud) => {
    const target = await fixture.target(verifyYaml(cloud.port));
    for (const status of ["SHUTOFF", "ERROR"]) {
      const details: string[] = [];
      const failing = fixture.deploy(target, {
        verifying: verifying(fixture, 600_000),
        onEvent(event) {
          if (event.type === "check" && event.check.name === "boot") details.push(event.check.detail);
          if (event.type !== "verifying" || !event.text.startsWith("waiting")) return;
          for (const server of cloud.compute.servers.values()) server.status = status;
        },
      });
      await assert.rejects(failing, { name: "VerificationError" });
      assert.deepEqual(details, ["the machine ended by itself"]);
      assert.deepEqual(await left(fixture, cloud), [false, undefined, 0, 0]);
    }
  }));

Deno.test("why a cloud makes no server is told in its own words, with what to do, and nothing is left", () =>
  withCloud(async (fixture, cloud) => {
    const { rules } = cloud.compute;
    await fixture.deploy(await fixture.target(verifyYaml(cloud.port)));
    const fails = async (message: RegExp, hint: RegExp, settings = "") => {
      const target = await fixture.target(verifyYaml(cloud.port).replace(" }", `${settings} }`));
      const failing = fixture.deploy(target, { verifying: verifying(fixture) });
      await assert.rejects(failing, deployFailure(message, hint));
      assert.deepEqual(await left(fixture, cloud), nothing);
    };
    rules.fault = "No valid host was found. There are not enough hosts available.";
    await fails(
      /^The cloud could not make the server pim-verify-\S+: No valid host was found\. There are not enough/,
      /another flavor in verify_instance, or other properties/,
    );
    rules.fault = "Build of instance x aborted: Flavor's disk is too small for requested image.";
    await fails(/aborted: Flavor's disk is too small/, /larger one: openstack flavor list/);
    rules.fault = undefined;
    rules.instances = 0;
    await fails(
      /^Cannot start the server \S+: .* 403 Forbidden: Quota exceeded for instances: Requested 1, but already used 0/,
      /ask for more: openstack limits show/,
    );
    rules.instances = 10;
    const over = { overLimit: { code: 413, message: "Quota exceeded for ram" } };
    cloud.fault(/^POST .*\/servers$/, 1, () => Response.json(over, { status: 413 }));
    await fails(/413 Payload Too Large: Quota exceeded for ram/, /ask for more/);
    rules.mayCreate = false;
    await fails(/403 Forbidden: Policy doesn't allow os_compute_api:servers:create/, /needs a role/);
    rules.mayCreate = true;
    const inactive = { badRequest: { code: 400, message: "Image x is not active." } };
    cloud.fault(/^POST .*\/servers$/, 1, () => Response.json(inactive, { status: 400 }));
    await fails(/400 Bad Request: Image x is not active\./, /again in a while/);
    // Some words need no more.
    await fails(/400 Bad Request: Security group gone not found\./, /^$/, ", security_groups: [gone]");
  }));

Deno.test("settings that lead nowhere are told before a server is made", () =>
  withCloud(async (fixture, cloud) => {
    await fixture.deploy(await fixture.target(verifyYaml(cloud.port)));
    const fails = async (from: string, to: string, message: RegExp, hint: RegExp) => {
      const target = await fixture.target(verifyYaml(cloud.port).replace(from, to));
      const failing = fixture.deploy(target, { verifying: verifying(fixture) });
      await assert.rejects(failing, deployFailure(message, hint));
      assert.ok(!cloud.requests.some((line) => /^POST .*\/servers/.test(line)));
    };
    await fails(
      "m1.small",
      "m1.smal",
      /has no flavor m1\.smal for/,
      /one that it has: m1\.small, m1\.tiny, no\.disk/,
    );
    await fails(
      "m1.small",
      "'1'",
      /the flavor m1\.tiny has a disk of 1 GiB, and the image needs 20 GiB/,
      /larger/,
    );
    await fails("demo-net", "net", /has no network net for this project/, /openstack network list/);
    const twin = { ...cloud.compute.network.networks[0]!, id: crypto.randomUUID() };
    cloud.compute.network.networks.push(twin);
    await fails(
      "demo-net",
      "demo-net",
      /several networks with the name demo-net/,
      /to the id of one of them/,
    );
  }));

Deno.test("who cancels leaves no server, neither while it is made nor when it runs", () =>
  withCloud(async (fixture, cloud) => {
    const target = await fixture.target(verifyYaml(cloud.port));
    const cancelled = async (arm: (abort: () => void) => void, at: string) => {
      const abort = new AbortController();
      arm(() => abort.abort(new CancelledError()));
      const deploying = fixture.deploy(target, {
        ...{ verifying: verifying(fixture, 600_000), signal: abort.signal },
        onEvent: (event) =>
          event.type === "verifying" && event.text.startsWith(at) &&
          abort.abort(new CancelledError()),
      });
      await assert.rejects(deploying, { name: "CancelledError" });
      assert.deepEqual(await left(fixture, cloud), nothing);
    };
    await cancelled(() => {}, "waiting");
    await cancelled((abort) =>
      cloud.fault(/^GET .*\/servers\/[0-9a-f-]{36}$/, 1, () => {
        assert.equal(cloud.compute.servers.size, 1);
        abort();
        return Response.json({ server: { id: "x", name: "x", status: "BUILD" } });
      }), "never");
    // What is asked for already is made all the same, when nobody may look for it any more.
    const { servers } = cloud.compute;
    const { promise: back, resolve } = Promise.withResolvers<void>();
    await cancelled((abort) =>
      cloud.fault(/^POST .*\/servers$/, 1, async (work) => {
        const answer = await work();
        const [server] = servers.values();
        servers.clear();
        abort();
        await sleep(300);
        servers.set(server!.id, server!);
        resolve();
        return answer;
      }), "never");
    await back;
    assert.equal(servers.size, 0);
  }));

Deno.test("a server and a floating IP that a killed pim has left go with the next verification, a new deployment, or the deployment", () =>
  withCloud(async (fixture, cloud) => {
    const text = verifyYaml(cloud.port, ", floating_network: public");
    const target = await fixture.target(text);
    await fixture.deploy(target);
    const { servers } = cloud.compute;
    await startAndDie(fixture, text);
    const [killed] = servers.values();
    assert.deepEqual(await left(fixture, cloud), [undefined, killed?.name, 1, 1]);
    // Somebody else's of the same name.
    const foreign = { ...killed!, id: crypto.randomUUID(), metadata: {} };
    servers.set(foreign.id, foreign);
    await assert.rejects(fixture.deploy(target, { verifying: verifying(fixture) }), {
      name: "VerificationError",
    });
    assert.deepEqual([...servers.keys()], [foreign.id]);
    servers.clear();
    await startAndDie(fixture, text);
    await fixture.deploy(target, { force: true });
    assert.deepEqual(await left(fixture, cloud), nothing);
    await startAndDie(fixture, text);
    const [deployment] = await fixture.deployments();
    await removeDeployment(deployment!, target, { paths: fixture.paths, tools: fixture.tools() });
    assert.deepEqual([await left(fixture, cloud), cloud.images.size], [nothing, 0]);
  }));

Deno.test("a token that expires, a busy service and a lost answer cost neither a verification nor a second server", () =>
  withCloud(async (fixture, cloud) => {
    const target = await fixture.target(verifyYaml(cloud.port));
    await fixture.deploy(target);
    const busy = () => new Response("busy", { status: 503, headers: { "retry-after": "0" } });
    cloud.fault(/^GET .*\/flavors\/detail$/, 1, busy);
    cloud.fault(/^GET .*\/servers\/[0-9a-f-]{36}$/, 1, () => {
      cloud.expireTokens();
      return busy();
    });
    cloud.fault(/^POST .*\/servers$/, 1, async (work) => {
      await work();
      return busy();
    });
    let most = 0;
    const failing = fixture.deploy(target, {
      verifying: verifying(fixture),
      onEvent: () => most = Math.max(most, cloud.compute.servers.size),
    });
    await assert.rejects(failing, { name: "VerificationError" });
    assert.equal(cloud.requests.filter((line) => /^POST .*\/servers$/.test(line)).length, 1);
    assert.deepEqual([most, await left(fixture, cloud)], [1, [false, undefined, 0, 0]]);
  }));

Deno.test("a floating IP is the server's address and is given back, and why there is none is told", () =>
  withCloud(async (fixture, cloud) => {
    const target = await fixture.target(verifyYaml(cloud.port, ", floating_network: public"));
    const { network } = cloud.compute;
    let taken = 0;
    const deploy = () =>
      fixture.deploy(target, {
        verifying: verifying(fixture),
        onEvent: () => taken = Math.max(taken, network.floatingIps.size),
      });
    await assert.rejects(deploy(), { name: "VerificationError" });
    assert.deepEqual([taken, await left(fixture, cloud)], [1, [false, undefined, 0, 0]]);
    network.rules.routed = false;
    await assert.rejects(
      deploy(),
      deployFailure(
        /Cannot give the server \S+ a floating IP: .* is not reachable from subnet/,
        /A router has to/,
      ),
    );
    network.rules.routed = true;
    network.rules.floatingIps = 0;
    await assert.rejects(deploy(), deployFailure(/Quota exceeded for resources/, /floating ip list/));
    assert.deepEqual((await left(fixture, cloud)).slice(1), [undefined, 0, 0]);
  }));

Deno.test("a server that does not go is told, and stays written down for the next run", () =>
  withCloud(async (fixture, cloud) => {
    const target = await fixture.target(verifyYaml(cloud.port));
    const [warnings, said] = [[] as string[], (text: string) => void warnings.push(text)];
    configureLog({ write: said });
    const conflict = { conflictingRequest: { code: 409, message: "it is locked" } };
    cloud.fault(/^DELETE .*\/servers\//, 1, () => Response.json(conflict, { status: 409 }));
    await assert.rejects(fixture.deploy(target, { verifying: verifying(fixture) }), {
      name: "VerificationError",
    });
    configureLog({ write: () => {} });
    assert.match(
      warnings.join(""),
      /could not be removed: .*it is locked[\s\S]*The next verification removes it/,
    );
    const [verified, instance, ...counts] = await left(fixture, cloud);
    assert.deepEqual([verified, typeof instance, counts], [false, "string", [1, 0]]);
    const [kept] = await fixture.deployments();
    const again = verifyDeployment(kept!, target, fixture.image.entry, {
      ...{ paths: fixture.paths, verifying: verifying(fixture), tools: fixture.tools(), onEvent: () => {} },
    });
    await assert.rejects(again, { name: "VerificationError" });
    assert.deepEqual(await left(fixture, cloud), [false, undefined, 0, 0]);
  }));

Deno.test("without verify_instance a verification is refused before anything is done, with what to add", () =>
  withCloud(async (fixture, cloud) => {
    await assert.rejects(fixture.target(yaml(cloud.port, "  verify: true\n")), {
      name: "UsageError",
      message: /there\.yml:7: verify cannot be true/,
      hint: /there\.yml: verify_instance: \{ flavor: NAME, network: NAME \}$/,
    });
    const bare = await fixture.target(yaml(cloud.port));
    assert.throws(() => wantsVerification(bare, true), {
      name: "UsageError",
      message: "What is deployed to there cannot be verified there",
      hint: /there\.yml: verify_instance: \{ flavor: NAME, network: NAME \}$/,
    });
    assert.equal(wantsVerification(bare, undefined), false);
    assert.equal(wantsVerification(await fixture.target(verifyYaml(cloud.port)), true), true);
    assert.deepEqual(cloud.requests, []);
  }));

Deno.test("a check looks for what instances need, where they are wanted", () =>
  withCloud(async (fixture, cloud) => {
    const { network } = cloud.compute;
    const checked = async (text: string, verify = true) => {
      await using opened = (await fixture.target(text)).open(fixture.tools());
      return (await opened.check({ verify })).slice(2).map(({ name, ok, detail }) => [name, ok, detail]);
    };
    const text = verifyYaml(cloud.port).replace(/ssh_port: \d+/, "ssh_port: 2222");
    assert.deepEqual(await checked(text, false), []);
    const found = ["instances", true, "flavor m1.small (2048 MiB, 20 GiB), network demo-net"];
    const closed = "no rule of the security groups default lets port 2222 in";
    assert.deepEqual(await checked(text), [found, ["SSH", false, closed]]);
    network.groups[0]!.rules.push({
      direction: "ingress",
      protocol: "tcp",
      port_range_min: 2222,
      port_range_max: 2222,
    });
    assert.deepEqual(await checked(text), [found, ["SSH", true, "security groups default let port 2222 in"]]);
    const gone = text.replace(" }", ", security_groups: [gone] }");
    assert.deepEqual((await checked(gone))[1], ["SSH", false, "the project has no security group gone"]);
    network.networks[0]!.secured = false;
    assert.deepEqual(await checked(gone), [found]);
    const lost = text.replace(" }", ", floating_network: net }");
    assert.deepEqual(await checked(lost), [[
      "instances",
      false,
      "The cloud has no network net for this project",
    ]]);
  }));
