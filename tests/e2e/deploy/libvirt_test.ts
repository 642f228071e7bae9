import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { tempDir } from "../../base/temp.ts";
import { type Libvirtd, startLibvirtd } from "../../deploy/libvirt/libvirtd.ts";
import { demoImage } from "../demo_image.ts";
import { pim } from "../pim.ts";

/** Asks the guest agent through libvirt, again and again until it is there. */
async function askAgent({ virsh }: Libvirtd, domain: string, command: string): Promise<string> {
  for (let tries = 0;; tries++) {
    try {
      return await virsh("qemu-agent-command", domain, JSON.stringify({ execute: command }));
    } catch (error) {
      if (tries === 240) throw error;
      await sleep(500);
    }
  }
}

Deno.test("a built image boots as a domain of libvirt, with its name and on the network, and is removed again", async () => {
  const demo = await demoImage();
  await using libvirtd = await startLibvirtd();
  const entry = `lab:
  type: libvirt
  uri: "${libvirtd.uri}"
  pool: images
  memory: 512M
  name: golden-{profile}
  start: true
`;
  await using config = await tempDir({ "targets.d/lab.yml": entry });
  const env = { ...demo.env, PIM_CONFIG_DIR: config.path };
  const deployed = await pim(["deploy", "run", "demo", "lab"], { env });
  strictEqual(deployed.code, 0, deployed.stderr);
  match(deployed.stdout, /^domain golden-demo of qemu\+unix:/);
  match(await askAgent(libvirtd, "golden-demo", "guest-get-host-name"), /"host-name":"pim-demo"/);
  // The name that the installer wrote down comes from the card's PCI slot.
  const interfaces = await askAgent(libvirtd, "golden-demo", "guest-network-get-interfaces");
  match(interfaces, /"name":"enp0s2".*"ip-address":"10\.0\.2\.15"/);
  const status = await pim(["deploy", "status", "--json"], { env });
  const [id] = JSON.parse(status.stdout).filter((each: { id: string; state: string }) =>
    each.id.startsWith("lab/")
  )
    .map((each: { id: string; state: string }) => {
      strictEqual(each.state, "there");
      return each.id;
    });
  ok(id !== undefined);
  await libvirtd.virsh("destroy", "golden-demo");
  const removed = await pim(["deploy", "remove", id], { env });
  strictEqual(removed.code, 0, removed.stderr);
  deepStrictEqual([...Deno.readDirSync(join(libvirtd.pool))], []);
  strictEqual(await libvirtd.virsh("list", "--all", "--name"), "");
});
