// The cloud is a stand-in whose servers QEMU boots from the very bytes that were uploaded.
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { tempDir } from "../../base/temp.ts";
import { yaml } from "../../integration/deploy/openstack/openstack_place.ts";
import { startCloud } from "../../integration/deploy/openstack/openstack_server.ts";
import { freePort } from "../../ssh/sshd.ts";
import { pim } from "../pim.ts";
import { checksIn } from "./checks.ts";
import { cloudMachines } from "./cloud_machines.ts";
import { cloudUser } from "./cloud_user.ts";

/** A stand-in of a cloud to which a target `there` leads, and the demo's image. */
async function cloud() {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await tempDir());
  const sshPort = freePort();
  const machines = cloudMachines(dir.path, sshPort);
  stack.defer(() => machines.ended());
  const running = new Map<string, AsyncDisposable>();
  const server = stack.use(
    await startCloud({
      imageDir: dir.path,
      hypervisor: {
        async boot({ id, userData }, image) {
          const disk = { path: join(dir.path, String(image.id)), format: String(image.disk_format) };
          running.set(id, await machines.boot({ id, userData, disk }));
          return "127.0.0.1";
        },
        stop: async ({ id }) => await running.get(id)?.[Symbol.asyncDispose](),
      },
    }),
  );
  const settings = `  verify_instance: { flavor: m1.small, network: demo-net, ssh_port: ${sshPort} }\n`;
  await dir.write("config/targets.d/there.yml", yaml(server.port, settings));
  await dir.write("config/targets.d/ca.pem", server.certificate.ca);
  const env = { ...(await cloudUser(dir)).env, CLOUD_SECRET: server.rules.secret };
  const kept = stack.move();
  return {
    ...{ machines, servers: server.compute.servers },
    pim: (...args: string[]) => pim(args, { env }),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}

Deno.test("a built image is verified in servers of a cloud that boot what was uploaded", async () => {
  await using one = await cloud();
  const { machines, servers } = one;
  const deployed = await one.pim("deploy", "run", "demo", "there", "--verify", "--json");
  strictEqual(deployed.code, 0, deployed.stderr);
  const { named, detail } = checksIn(deployed.stdout);
  deepStrictEqual([named("failed"), named("skipped")], [[], ["guest agent", "host name"]]);
  match(detail("boot") ?? "", /^multi-user after \d/);
  match(detail("login") ?? "", /^as demo with a key; the password is not sent to a host/);
  strictEqual(detail("cloud-init"), "done");
  strictEqual(detail("script demo"), "greeting: hello from pim's vars");
  match(detail("host keys") ?? "", /^each machine of the image has its own: .*ssh-ed25519/);
  deepStrictEqual([machines.started, servers.size], [2, 0]);
});
