// EC2 is a stand-in whose instances QEMU boots from the very disk that was imported.
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Deployment } from "../../../lib/image/deployment.ts";
import { tempDir } from "../../base/temp.ts";
import { awsStandIn } from "../../integration/deploy/aws/stand_in.ts";
import { freePort } from "../../ssh/sshd.ts";
import { pim } from "../pim.ts";
import { checksIn } from "./checks.ts";
import { cloudMachines } from "./cloud_machines.ts";
import { cloudUser } from "./cloud_user.ts";

/** A stand-in of AWS with a target `cloud` that leads there, and the demo's image. */
async function cloud() {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir());
  const aws = stack.use(await awsStandIn());
  const port = freePort();
  const machines = cloudMachines(dir.path, port);
  const { instances } = aws.ec2;
  stack.defer(() => instances.ended());
  instances.looksUntilRunning = 1;
  instances.boot = async ({ id, userData }, bytes) => {
    const path = join(dir.path, "imported.vmdk");
    await Deno.writeFile(path, bytes);
    return await machines.boot({ id, userData, disk: { path, format: "vmdk" } });
  };
  await dir.write(
    "config/targets.d/aws.yml",
    `cloud:
  type: aws
  region: ${aws.region}
  bucket: images
  access_key_id: $AWS_KEY
  secret_access_key: $AWS_SECRET
  session_token: $AWS_TOKEN
  s3_endpoint: ${aws.url}
  ec2_endpoint: ${aws.url}
  verify_instance: { subnet: subnet-0a1b2c3d, security_group: sg-0a1b2c3d, ssh_port: ${port} }
`,
  );
  const { project, ...user } = await cloudUser(dir);
  const env = {
    ...user.env,
    ...{ AWS_KEY: aws.key.id, AWS_SECRET: aws.key.secret, AWS_TOKEN: aws.key.token ?? "" },
  };
  const kept = stack.move();
  return {
    ...{ aws, instances, machines, project },
    pim: (...args: string[]) => pim(args, { env }),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

Deno.test("an AMI of a built image is verified in instances that boot what was imported; one that fails is told and kept", async () => {
  await using one = await cloud();
  const { aws, instances, machines } = one;
  // All but this is as it shall be: what cannot fail proves nothing.
  const script = join(one.project, "verifications.d/demo.sh");
  await Deno.writeTextFile(script, "#!/bin/sh\necho it rains\nexit 1\n");
  const deployed = await one.pim("deploy", "run", "demo", "cloud", "--verify", "--json");
  strictEqual(deployed.code, 8, deployed.stderr);
  match(deployed.stderr, /cloud\/demo-\S+ is not as it shall be: 1 of \d+ checks failed: script demo/);
  const { named, detail } = checksIn(deployed.stdout);
  deepStrictEqual([named("failed"), named("skipped")], [["script demo"], ["guest agent", "host name"]]);
  match(detail("boot") ?? "", /^multi-user after \d/);
  match(detail("SSH") ?? "", /^answered after \d/);
  match(detail("login") ?? "", /^as demo with a key; the password is not sent to a host/);
  match(detail("script demo") ?? "", /^it exited with 1: it rains/);
  match(detail("host keys") ?? "", /^each machine of the image has its own: .*ssh-ed25519/);

  const all: readonly Deployment[] = JSON.parse((await one.pim("deploy", "list", "--json")).stdout);
  const kept = all.find(({ target }) => target === "cloud");
  deepStrictEqual([kept?.state, kept?.verified?.ok, kept?.ids.instance], ["done", false, undefined]);
  ok(aws.ec2.images.has(kept?.ids.image ?? ""));
  deepStrictEqual([machines.started, instances.alive(), aws.s3.objects.size], [2, [], 0]);
  await machines.ended();
});
