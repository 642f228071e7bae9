import { match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { run, which } from "../../../lib/process.ts";
import { removeIfThere } from "../../../lib/files.ts";
import { bundleOf } from "./failure_bundle.ts";
import { type OverLayers, overLayers } from "./over_layers.ts";

const profile = (scripts: string, build = "") =>
  `import demo from "./demo.ts";
export default { ...demo, scripts: ${scripts}, build: { ...demo.build, stallMinutes: 0.3, ${build} } };
`;
const script = (text: string) => `#!/bin/sh\nset -eu\n${text}\n`;

/** Removes what failed builds of these profiles left in the folder that tests share. */
async function clean({ buildsDir }: OverLayers, ...profiles: readonly string[]): Promise<void> {
  for (const { name } of Deno.readDirSync(buildsDir)) {
    if (profiles.some((each) => name.startsWith(`${each}-amd64-`))) {
      await removeIfThere(join(buildsDir, name));
    }
  }
}

Deno.test("a script that hangs is given up after the stall time, and a missing guest agent is noted", async () => {
  await using place = await overLayers({
    "profiles.d/hangs.ts": profile('["waits"]'),
    "scripts.d/waits.sh": script("systemctl stop qemu-guest-agent\necho waiting for a lock\nexec sleep 3600"),
  });
  const result = await place.pim(["build", "run", "hangs"]);
  strictEqual(result.code, 7, result.stderr);
  match(result.stderr, /The script waits hangs: for \d+ s it wrote nothing, and the guest was idle/);
  match(result.stderr, /Its last lines:\n {2}\| waiting for a lock/);
  const { reason, files } = await bundleOf(place.buildsDir, "hangs");
  strictEqual(reason.code, "script-hung");
  strictEqual(reason.step, "script waits");
  strictEqual(reason.notes.map(({ code }) => code).join(), "agent-absent");
  ok(files.includes("screenshot.png"));
  match(reason.summary, /sleep 3600/);
  await clean(place, "hangs");
});

Deno.test("a script that fills the guest's disk is told as that", async () => {
  await using place = await overLayers({
    "profiles.d/fills.ts": profile('["fills"]'),
    "scripts.d/fills.sh": script("fallocate -l 100G /root/big"),
  });
  const result = await place.pim(["build", "run", "fills"]);
  strictEqual(result.code, 7, result.stderr);
  const { reason } = await bundleOf(place.buildsDir, "fills");
  strictEqual(reason.code, "disk-full");
  match(reason.summary, /The script fills exited with 1: the disk of the guest is full/);
  match(reason.hint ?? "", /build\.diskSize/);
  await clean(place, "fills");
});

Deno.test("a guest without network is told from one without SSH by its agent", async () => {
  await using place = await overLayers({
    "profiles.d/cut.ts": profile('["cuts", "breaks"]', "warm: false"),
    "scripts.d/cuts.sh": script(
      "systemctl mask systemd-networkd.service systemd-networkd.socket\nrm -rf /etc/cloud && touch /etc/cloud-off",
    ),
    "scripts.d/breaks.sh": script("exit 1"),
  });
  strictEqual((await place.pim(["build", "run", "cut"])).code, 7);
  strictEqual((await bundleOf(place.buildsDir, "cut")).reason.code, "script-failed");
  await clean(place, "cut");
  // It goes on from the layer of the first script, which has to boot.
  const result = await place.pim(["build", "run", "cut"]);
  strictEqual(result.code, 6, result.stderr);
  const { reason, text } = await bundleOf(place.buildsDir, "cut");
  strictEqual(reason.code, "no-network");
  strictEqual(reason.step, "start installed system");
  strictEqual(reason.evidence?.agent?.answers, true);
  match(await text("argv"), /^# boot\n/);
  await clean(place, "cut");
});

Deno.test({
  name: "a host without room stops the build with its own reason and exit code 3",
  // Only root can mount a small file system.
  ignore: Deno.uid() !== 0 || await which("mount") === undefined,
  async fn() {
    await using place = await overLayers({
      "profiles.d/bulky.ts": profile("[]"),
      // The first script of all: a layer before it would have to be moved out of the small file system.
      "scripts.d/base.sh": script("head -c 400M /dev/urandom > /root/big\nsync"),
    });
    const cache = await Deno.makeTempDir({ prefix: "pim-full-" });
    await run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", cache]);
    try {
      await Deno.symlink(join(place.buildsDir, "..", "layers"), join(cache, "layers"));
      const result = await place.pim(["build", "run", "bulky", "--force"], { env: { PIM_CACHE_DIR: cache } });
      strictEqual(result.code, 3, result.stderr);
      const { reason } = await bundleOf(join(cache, "builds"));
      strictEqual(reason.code, "disk-full");
      match(reason.summary, /The disk of this host is full/);
    } finally {
      await run(["umount", "-l", cache]);
      await Deno.remove(cache);
    }
  },
});
