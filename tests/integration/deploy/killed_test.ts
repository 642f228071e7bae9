import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { newUser, type User } from "../../cli/pim.ts";
import { type DeployFixture, deployFixture } from "../../deploy/fixture.ts";
import { type Cloud, credentialId, startCloud } from "./openstack/openstack_server.ts";
import { startPve } from "./proxmox/proxmox_server.ts";
import { yaml } from "./proxmox/pve_by_api.ts";

/** Starts `pim deploy run web there` and ends it as soon as the other side has come to a point. */
async function endAt(
  signal: "SIGKILL" | "SIGINT",
  user: User,
  env: Record<string, string>,
  point: () => boolean,
): Promise<number> {
  const [program = "", ...args] = [...user.argv, "deploy", "run", "web", "there"];
  const child = new Deno.Command(program, {
    ...{ args, clearEnv: true, env: { ...user.env, ...env }, stdout: "null", stderr: "null" },
  }).spawn();
  let ended = false;
  child.status.then(() => ended = true);
  while (!point()) {
    assert.ok(!ended, "it ended before it came to the point");
    await sleep(5);
  }
  child.kill(signal);
  return (await child.status).code;
}

const cloudTarget = (cloud: Cloud) =>
  `there:
  type: openstack
  auth_url: https://127.0.0.1:${cloud.port}/identity
  application_credential_id: ${credentialId}
  application_credential_secret: $CLOUD_SECRET
  ca_file: ca.pem
`;

const envOf = ({ paths }: DeployFixture) => ({
  PIM_DATA_DIR: paths.dataDir,
  PIM_CONFIG_DIR: paths.configDir,
  PIM_CACHE_DIR: paths.cacheDir,
});

Deno.test("a pim that is killed while it uploads to a cloud leaves nothing after the next run", async () => {
  await using cloud = await startCloud();
  await using fixture = await deployFixture();
  await using user = await newUser();
  await fixture.write({ "targets.d/ca.pem": cloud.certificate.ca });
  await fixture.target(cloudTarget(cloud));
  const env = { ...envOf(fixture), CLOUD_SECRET: cloud.rules.secret };
  const { promise: held, resolve: release } = Promise.withResolvers<Response>();
  cloud.fault(/^PUT /, 1, () => held);
  await endAt("SIGKILL", user, env, () => cloud.requests.some((line) => line.startsWith("PUT ")));
  release(new Response(null, { status: 500 }));
  const [left = ""] = [...cloud.images.keys()];
  assert.match((await user.run([...user.argv, "deploy", "list"], { env })).stdout, /openstack {2}unfinished/);
  const again = await user.run([...user.argv, "deploy", "run", "web", "there"], { env });
  assert.equal(again.code, 0, again.stderr);
  assert.match(
    again.stderr,
    new RegExp(`remove the image ${left}, which an interrupted deployment has left`),
  );
  assert.deepEqual([...cloud.images.values()].map(({ name }) => name), [fixture.image.entry.name]);
});

Deno.test("Ctrl-C ends an upload with nothing left in the cloud", async () => {
  await using cloud = await startCloud();
  await using fixture = await deployFixture();
  await using user = await newUser();
  await fixture.write({ "targets.d/ca.pem": cloud.certificate.ca });
  await fixture.target(cloudTarget(cloud));
  const { promise: held, resolve: release } = Promise.withResolvers<Response>();
  cloud.fault(/^PUT /, 1, () => held);
  const env = { ...envOf(fixture), CLOUD_SECRET: cloud.rules.secret };
  const code = await endAt("SIGINT", user, env, () => cloud.requests.some((line) => line.startsWith("PUT ")));
  release(new Response(null, { status: 500 }));
  assert.equal(code, 130);
  assert.equal(cloud.images.size, 0);
});

Deno.test("a pim that is killed while a VM is created ends that task, and takes the upload it has made", async () => {
  await using pve = await startPve();
  await using fixture = await deployFixture();
  await using user = await newUser();
  await fixture.target(yaml(pve));
  const env = { ...envOf(fixture), PVE_TOKEN: pve.rules.token };
  pve.rules.createPolls = 1_000_000;
  // The task is known when it is asked for.
  await endAt(
    "SIGKILL",
    user,
    env,
    () => pve.requests.some((line) => /^GET .*qmcreate.*\/status$/.test(decodeURIComponent(line))),
  );
  pve.rules.createPolls = 1;
  pve.requests.length = 0;
  const again = await user.run([...user.argv, "deploy", "run", "web", "there"], { env });
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stderr, /clear what an interrupted deployment has left: VM 100/);
  assert.deepEqual(pve.requests.filter((line) => line.includes("/upload")), []);
  assert.deepEqual([...pve.vms.values()].map(({ template }) => template), [true]);
  assert.deepEqual([...pve.files.keys()], []);
});

Deno.test("Ctrl-C ends a verification with no instance left, and one that a killed pim has left goes with the deployment", async () => {
  await using pve = await startPve();
  await using fixture = await deployFixture();
  await using user = await newUser();
  await fixture.target(yaml(pve, "  verify: true\n"));
  const env = { ...envOf(fixture), PVE_TOKEN: pve.rules.token };
  // Nobody answers, and the checks wait for it.
  const waits = () => pve.requests.some((line) => line.endsWith("/agent/ping"));
  assert.equal(await endAt("SIGINT", user, env, waits), 130);
  assert.deepEqual([...pve.vms.keys()], [100]);
  pve.requests.length = 0;
  await endAt("SIGKILL", user, env, waits);
  assert.deepEqual([...pve.vms.values()].map(({ vmid, running = false }) => [vmid, running]), [
    [100, false],
    [101, true],
  ]);
  const [left] = await fixture.deployments();
  const removed = await user.run([...user.argv, "deploy", "remove", left!.id], { env });
  assert.equal(removed.code, 0, removed.stderr);
  assert.deepEqual([...pve.vms.keys()], []);
});

Deno.test("two deployments of one image at once make one image", async () => {
  await using cloud = await startCloud();
  await using fixture = await deployFixture();
  fixture.env.set("CLOUD_SECRET", cloud.rules.secret);
  await fixture.write({ "targets.d/ca.pem": cloud.certificate.ca });
  const target = await fixture.target(cloudTarget(cloud));
  const both = await Promise.all([fixture.deploy(target), fixture.deploy(target)]);
  assert.equal(both[0].ids.image, both[1].ids.image);
  assert.equal(cloud.images.size, 1);
  assert.ok(fixture.events.some(({ type }) => type === "already"));
});
