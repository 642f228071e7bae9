// What keeps instances from being started at a stand-in of EC2, told before and when it is done.
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { configureLog } from "../../../../lib/log.ts";
import { deployer, failure } from "./deployer.ts";
import { verifying, whereInstancesRun } from "./instance_place.ts";

configureLog({ write: () => {} });

const refusals = [
  [
    "UnauthorizedOperation",
    "You are not authorized to perform this operation. Encoded authorization failure message: 4GIOHlTkIaWHQD0Q0m6X",
    /: You are not authorized to perform this operation$/,
    /the permissions that docs\/targets\.md lists/,
  ],
  ["VcpuLimitExceeded", "limit of 0", /may run no more instances in eu-central-1 \(limit of 0\)$/, /Quotas/],
  ["InstanceLimitExceeded", "too many", /may run no more instances in eu-central-1/, /smaller `type`/],
  ["InsufficientInstanceCapacity", "no t3", /AWS has no room for such an instance/, /another `type`, or a/],
  ["Unsupported", "not in 1e", /no such instance in that zone/, /describe-instance-type-offerings/],
  ["InvalidSubnetID.NotFound", "no", /: eu-central-1 has no subnet subnet-0a1b2c3d$/, /describe-subnets/],
  ["InvalidGroup.NotFound", "no", /has no security group sg-0a1b2c3d/, /describe-security-groups/],
] as const;

Deno.test("why no instance can be started is told in words with what to do, and the image is not blamed for it", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  for (const [code, message, said, hint] of refusals) {
    one.aws.heal();
    one.aws.fail("RunInstances", { status: 400, code, message });
    const error = await failure(one, { verifying: verifying(one) });
    match(error.message, /^Cannot start an instance of ami-/);
    match(error.message, said);
    match(error.hint ?? "", hint);
    const kept = await one.record();
    deepStrictEqual([kept?.state, kept?.verified, kept?.ids.instance], ["done", undefined, undefined]);
  }
  // Nothing was made, so nothing was looked for.
  strictEqual(one.aws.count("DescribeInstances"), 0);
});

Deno.test("an instance that EC2 ends before it runs is no failure of the image", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { instances } = one.aws.ec2;
  instances.endsWith = { code: "Client.InternalError", text: "Client.InternalError: Client error on launch" };
  const error = await failure(one, { verifying: verifying(one) });
  match(
    error.message,
    /: EC2 has ended i-\w+ before it ran: Client\.InternalError: Client error on launch$/,
  );
  match(error.hint ?? "", /key of an encrypted disk/);
  const kept = await one.record();
  deepStrictEqual([kept?.verified, kept?.ids.instance], [undefined, undefined]);
});

Deno.test("without the settings for it a verification is refused, with what to add", async () => {
  await using one = await deployer();
  await one.deploy();
  const asked = one.aws.seen.length;
  const refused = async (...args: string[]) => {
    const { code, stderr } = await one.pim("deploy", ...args);
    strictEqual(code, 2, stderr);
    match(stderr, /aws\.yml: verify_instance: \{ subnet: subnet-…, security_group: sg-… \}/);
    return stderr;
  };
  match(await refused("run", "demo", "cloud", "--verify"), /deployed to cloud cannot be verified there/);
  const { id } = (await one.record())!;
  match(await refused("verify", id), /deployed to cloud cannot be verified there/);
  await one.change((text) => `${text}\n  verify: true`);
  match(
    await refused("run", "demo", "cloud"),
    /aws\.yml:\d+: verify cannot be true as long as the entry does not say where an instance may run/,
  );
  strictEqual(one.aws.seen.length, asked);
});

Deno.test("what the settings for instances have to be is told with their lines", async () => {
  await using one = await deployer({
    settings: "verify_instance:\n  subnet: mine\n  address: both\n  ssh_port: 0\n  typ: t3.small",
  });
  const { code, stderr } = await one.pim("target", "list");
  strictEqual(code, 2);
  match(stderr, /verify_instance\.subnet must be the id of a subnet, such as "subnet-0a1b2c3d", not "mine"/);
  match(stderr, /verify_instance\.security_group is missing/);
  match(stderr, /verify_instance\.address must be "public" or "private", not "both"/);
  match(stderr, /verify_instance\.ssh_port must be a port from 1 to 65535, not 0/);
  match(stderr, /verify_instance\.typ is not known here\. Did you mean type\?/);
});

Deno.test("a check looks at subnet, security group and permission to start instances, when they are to be started", async () => {
  await using one = await deployer({ settings: whereInstancesRun() });
  const { aws } = one;
  await one.change((text) => text.replace(/ssh_port: \d+/, "ssh_port: 22"));
  const look = async (verify = true) => {
    await using target = (await one.target()).open(one.tools());
    return new Map((await target.check({ verify })).map((each) => [each.name, each]));
  };
  deepStrictEqual([...(await look(false)).keys()], ["images", "bucket", "import"]);
  const details = async () =>
    [...(await look()).values()].slice(3).map(({ name, ok, detail }) => `${name}: ${ok} ${detail}`);
  deepStrictEqual(await details(), [
    "subnet: true subnet-0a1b2c3d in eu-central-1a has free addresses",
    "security group: true sg-0a1b2c3d lets in 203.0.113.0/24",
    "instance: true whether one may be started shows when eu-central-1 has an AMI of pim's",
  ]);
  await one.deploy();
  strictEqual((await details())[2], "instance: true instances can be started");
  deepStrictEqual([...aws.ec2.instances.instances], []);

  const [subnet, group] = [
    aws.ec2.instances.subnets.get("subnet-0a1b2c3d")!,
    aws.ec2.instances.groups.get("sg-0a1b2c3d")!,
  ];
  subnet.free = 0;
  group.port = 2222;
  aws.fail("RunInstances", { status: 403, code: "UnauthorizedOperation", message: "You may not." });
  deepStrictEqual(await details(), [
    "subnet: false subnet-0a1b2c3d has no free address",
    "security group: false sg-0a1b2c3d lets nobody in on port 22",
    `instance: false Cannot start an instance of ${(await one.record())?.ids.image}: You may not`,
  ]);
  match(
    (await look()).get("security group")?.hint ?? "",
    /authorize-security-group-ingress --region eu-central-1 --group-id sg-0a1b2c3d --protocol tcp --port 22/,
  );
  Object.assign(group, { port: 22, vpc: "vpc-2" });
  match((await details())[1] ?? "", /false sg-0a1b2c3d is not in the network of subnet-0a1b2c3d$/);
  aws.ec2.instances.subnets.clear();
  match((await details())[0] ?? "", /: eu-central-1 has no subnet subnet-0a1b2c3d$/);
});
