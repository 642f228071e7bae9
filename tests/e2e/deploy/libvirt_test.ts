import { deepStrictEqual, fail, match, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tempDir } from "../../base/temp.ts";
import { type Libvirtd, startLibvirtd } from "../../integration/deploy/libvirt/libvirtd.ts";
import { demoImage } from "../demo_image.ts";
import { pim } from "../pim.ts";
import { checksIn } from "./checks.ts";

/** Asks the guest agent through libvirt, again and again until it answers what is wanted. */
async function askAgent(
  { virsh }: Libvirtd,
  domain: string,
  command: string,
  wanted: RegExp,
): Promise<void> {
  for (let tries = 0;; tries++) {
    const answer = await virsh("qemu-agent-command", domain, JSON.stringify({ execute: command }))
      .catch((error: Error) => error.message);
    if (wanted.test(answer)) return;
    if (tries === 240) fail(`${domain} does not answer ${command}: ${answer}`);
    await sleep(500);
  }
}

Deno.test("a built image is verified in libvirt and boots as a domain there, on the network, and is removed again", async () => {
  const demo = await demoImage();
  await using libvirtd = await startLibvirtd();
  const entry = `lab:
  type: libvirt
  uri: "${libvirtd.uri}"
  pool: images
  memory: 512M
  name: golden-{profile}
  start: true
  verify: true
`;
  await using config = await tempDir({ "targets.d/lab.yml": entry });
  const env = { ...demo.env, PIM_CONFIG_DIR: config.path, PIM_PROJECT: demo.project };
  const deployed = await pim(["deploy", "run", "demo", "lab", "--json"], { env });
  strictEqual(deployed.code, 0, deployed.stderr);
  const { named, detail } = checksIn(deployed.stdout);
  deepStrictEqual([named("failed"), named("skipped")], [[], ["SSH", "login"]]);
  match(detail("boot") ?? "", /^multi-user after \d/);
  strictEqual(detail("script demo"), "greeting: hello from pim's vars");
  match(detail("host keys") ?? "", /^each machine of the image has its own: .*ssh-ed25519/);
  // The name that the installer wrote down comes from the card's PCI slot.
  const found = /"name":"enp0s2".*"ip-address":"10\.0\.2\.15"/;
  await askAgent(libvirtd, "golden-demo", "guest-network-get-interfaces", found);
  // Verified, then started: nothing but the domain is there.
  deepStrictEqual([...Deno.readDirSync(libvirtd.pool)].map(({ name }) => name), ["golden-demo.qcow2"]);
  strictEqual(await libvirtd.virsh("list", "--all", "--name"), "golden-demo");
  const status = await pim(["deploy", "status", "--json"], { env });
  const deployments: readonly { readonly id: string; readonly state: string }[] = JSON.parse(status.stdout);
  const ours = deployments.find(({ id }) => id.startsWith("lab/"));
  strictEqual(ours?.state, "there");
  await libvirtd.virsh("destroy", "golden-demo");
  const removed = await pim(["deploy", "remove", ours.id], { env });
  strictEqual(removed.code, 0, removed.stderr);
  deepStrictEqual([...Deno.readDirSync(join(libvirtd.pool))], []);
  strictEqual(await libvirtd.virsh("list", "--all", "--name"), "");
});
