// The cloud is a stand-in whose servers QEMU boots from the very bytes that were uploaded.
import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import type { DeployEvent } from "../../../lib/deploy/events.ts";
import { run } from "../../../lib/process.ts";
import { pimDirs } from "../../base/pim_dirs.ts";
import { tempDir } from "../../base/temp.ts";
import { yaml } from "../../integration/deploy/openstack/openstack_place.ts";
import { startCloud } from "../../integration/deploy/openstack/openstack_server.ts";
import { freePort } from "../../ssh/sshd.ts";
import { demoImage } from "../demo_image.ts";
import { pim } from "../pim.ts";
import { cloudMachines } from "./cloud_machines.ts";

/** A stand-in of a cloud to which a target `there` leads, and the demo's image. */
async function cloud() {
  const demo = await demoImage();
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
  await dir.write("data/.keep", "");
  const registry = "registry.yml";
  await Deno.copyFile(join(demo.env.PIM_DATA_DIR ?? "", registry), join(dir.path, "data", registry));
  const project = join(dir.path, "project");
  await run(["cp", "-r", demo.project, project]);
  const env = {
    ...pimDirs(dir.path),
    ...{ PIM_BUILD_IMAGE_DIR: demo.imageDir, PIM_PROJECT: project, CLOUD_SECRET: server.rules.secret },
  };
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
  const events: readonly DeployEvent[] = deployed.stdout.trim().split("\n").map((line) => JSON.parse(line));
  const checks = new Map(
    events.flatMap((event) => event.type === "check" ? [[event.check.name, event.check]] : []),
  );
  const named = (result: string) =>
    [...checks.values()].filter((check) => check.result === result).map(({ name }) => name);
  deepStrictEqual([named("failed"), named("skipped")], [[], ["guest agent", "host name"]]);
  match(checks.get("boot")?.detail ?? "", /^multi-user after \d/);
  match(checks.get("login")?.detail ?? "", /^as demo with a key; the password is not sent to a host/);
  strictEqual(checks.get("cloud-init")?.detail, "done");
  strictEqual(checks.get("script demo")?.detail, "greeting: hello from pim's vars");
  match(checks.get("host keys")?.detail ?? "", /^each machine of the image has its own: .*ssh-ed25519/);
  deepStrictEqual([machines.started, servers.size], [2, 0]);
});
