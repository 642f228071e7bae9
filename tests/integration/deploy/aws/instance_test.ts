// Instances at a stand-in of EC2. None of them answers over SSH: that is tests/e2e/deploy/aws_test.ts.
import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import type { Ids } from "../../../../lib/deploy/target.ts";
import { withoutEmpty } from "../../../../lib/deploy/work.ts";
import { CancelledError } from "../../../../lib/errors.ts";
import { putDeployment } from "../../../../lib/image/deployments.ts";
import { configureLog } from "../../../../lib/log.ts";
import { registryFile } from "../../../../lib/paths.ts";
import type { SshInstance } from "../../../../lib/verify/ssh_instance.ts";
import { type Deployer, deployer, failure } from "./deployer.ts";
import { verifying, whereInstancesRun } from "./instance_place.ts";

configureLog({ write: () => {} });

/** Starts an instance of what was deployed, as a pim would that is killed then: nothing is removed. */
async function startOnly(one: Deployer) {
  const deployment = (await one.record())!;
  let { ids } = deployment;
  const opened = (await one.target()).open(one.tools());
  const instance = await opened.startInstance!(one.image, {
    ...{ ids, signal: new AbortController().signal, workDir: one.user.path },
    async made(more: Ids) {
      ids = withoutEmpty({ ...ids, ...more });
      await putDeployment(registryFile(one.paths), { ...deployment, ids });
    },
  }) as SshInstance;
  return { instance, opened };
}

Deno.test("what was deployed is started where the settings say, with pim's marks, and is gone after its verification", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  [instances.looksUntilKnown, instances.looksUntilRunning] = [1, 1];
  await rejects(one.deploy({ verifying: verifying(one, 700) }), {
    ...{ name: "VerificationError", exitCode: 8 },
    message: /^The deployment cloud\/demo-\S+ is not as it shall be: 2 of \d+ checks failed: boot, SSH$/,
  });
  const [started, ...others] = instances.instances.values();
  ok(started !== undefined && others.length === 0);
  const { parameters, userData, tags, state } = started;
  const { name } = one.image.entry;
  match(tags.Name ?? "", new RegExp(`^pim-verify-${name}-[0-9a-f]{8}$`));
  deepStrictEqual({ ...tags, Name: "" }, { Name: "", "pim:image": name, "pim:sha256": one.image.sha256 });
  strictEqual(parameters["TagSpecification.3.Tag.1.Value"], tags.Name);
  deepStrictEqual([parameters.InstanceType, parameters.ClientToken], ["t3.small", tags.Name]);
  match(userData, /"name":"pim-verify","ssh_authorized_keys":\["ssh-ed25519 /);
  ok(["shutting-down", "terminated"].includes(state));
  const kept = await one.record();
  deepStrictEqual([kept?.state, kept?.verified?.ok, kept?.ids.instance], ["done", false, undefined]);
  ok(one.aws.ec2.images.has(kept?.ids.image ?? ""));
});

Deno.test("an instance is reached at its public or private address, and that it runs is asked of EC2", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  await one.deploy();
  const { instances } = one.aws.ec2;
  const addressOf = async (edit: (text: string) => string) => {
    await one.change(edit);
    const { instance, opened } = await startOnly(one);
    await using _opened = opened;
    await using _instance = instance;
    return await instance.address();
  };
  deepStrictEqual(await addressOf((text) => text.replace(/ssh_port: \d+/, "ssh_port: 2222")), {
    ...{ host: "127.0.0.1", port: 2222 },
  });
  const inside = await addressOf((text) => text.replace("ssh_port", "address: private, ssh_port"));
  deepStrictEqual(inside, { host: "10.0.0.7", port: 2222 });
  const { instance, opened } = await startOnly(one);
  await using _opened = opened;
  strictEqual(await instance.isRunning(), true);
  const [alive] = instances.alive();
  instances.looksUntilKnown = Infinity;
  strictEqual(await instance.isRunning(), true);
  instances.looksUntilKnown = 0;
  instances.shutDown(alive!.id);
  strictEqual(await instance.isRunning(), false);
});

Deno.test("the type of an instance is that of the settings, else one that fits the architecture", async () => {
  await using arm = await deployer({
    ...{ settings: whereInstancesRun(), entry: { architecture: "arm64", firmware: "uefi" } },
  });
  const types = () =>
    [...arm.aws.ec2.instances.instances.values()].map(({ parameters }) => parameters.InstanceType);
  await arm.deploy();
  const { instance, opened } = await startOnly(arm);
  await using _opened = opened;
  await instance[Symbol.asyncDispose]();
  await arm.change((text) => text.replace("ssh_port", "type: t3.small, ssh_port"));
  const error = await failure(arm, { verifying: verifying(arm) });
  match(error.message, /^Cannot start an instance of ami-\w+: The architecture 'x86_64' of the specified/);
  deepStrictEqual(types(), ["t4g.small"]);
});

Deno.test("an instance goes when its verification is cancelled", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  for (const looks of [0, Infinity]) {
    instances.looksUntilRunning = looks;
    const abort = new AbortController();
    const cancelled = one.deploy({
      ...{ verifying: verifying(one), signal: abort.signal },
      onEvent: ({ type }) =>
        type === "verifying" && setTimeout(() => abort.abort(new CancelledError()), 1500),
    });
    await rejects(cancelled, { name: "CancelledError" });
    deepStrictEqual([instances.alive(), (await one.record())?.ids.instance], [[], undefined]);
  }
  strictEqual(instances.instances.size, 2);
});

Deno.test("an instance that a killed pim has left goes with the next run and with the deployment, and nobody else's does", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  const kill = async () => {
    one.aws.seen.splice(0);
    const runs = () => one.aws.count("DescribeInstances") > 1;
    await one.endPim("SIGKILL", runs, "deploy", "run", "demo", "cloud", "--verify");
    return (await one.record())!.ids.instance!;
  };
  const name = await kill();
  const [left, ...more] = instances.alive();
  deepStrictEqual([left?.tags.Name, more], [name, []]);
  const parameters = { ...left!.parameters, ClientToken: "theirs" };
  const theirs = { ...left!, id: "i-0", parameters, tags: { Name: name } };
  instances.instances.set("i-0", theirs);
  await rejects(one.deploy({ verifying: verifying(one, 100) }), { name: "VerificationError" });
  deepStrictEqual(instances.alive(), [theirs]);
  await kill();
  strictEqual(instances.alive().length, 2);
  await one.remove();
  deepStrictEqual([instances.alive(), one.aws.ec2.images.size], [[theirs], 0]);
});

Deno.test("an answer that was lost makes no second instance, and leaves none", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  one.aws.fail("RunInstances", "cut-answer", { times: 1 });
  await rejects(one.deploy({ verifying: verifying(one, 100) }), { name: "VerificationError" });
  deepStrictEqual([instances.instances.size, instances.alive()], [1, []]);
  one.aws.fail("RunInstances", "cut-answer");
  // As EC2 may do for some seconds after the start.
  instances.looksUntilKnown = 1;
  match(
    (await failure(one, { verifying: verifying(one) })).message,
    /^Cannot start an instance of .*: the connection/,
  );
  deepStrictEqual([instances.instances.size, instances.alive()], [2, []]);
  strictEqual((await one.record())?.ids.instance, undefined);
});

Deno.test("an instance that may have been made and is not found yet stays written down, and goes later", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  instances.looksUntilKnown = Infinity;
  one.aws.fail("RunInstances", "cut-answer");
  await failure(one, { verifying: verifying(one) });
  match((await one.record())?.ids.instance ?? "", /^pim-verify-/);
  instances.looksUntilKnown = 0;
  await one.remove();
  deepStrictEqual([instances.instances.size, instances.alive()], [1, []]);
});

Deno.test("an instance that cannot be removed just now stays written down, and what was found counts", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  one.aws.fail("TerminateInstances", { status: 403, code: "UnauthorizedOperation" });
  await rejects(one.deploy({ verifying: verifying(one, 100) }), { name: "VerificationError" });
  const kept = await one.record();
  match(kept?.ids.instance ?? "", /^pim-verify-/);
  strictEqual(kept?.verified?.ok, false);
  one.aws.heal();
  await one.remove();
  deepStrictEqual(one.aws.ec2.instances.alive(), []);
});
