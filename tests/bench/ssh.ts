import { join } from "node:path";
import { removeIfThere, writeFileAtomic } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { registerSample, sampleDisk } from "../integration/deploy/oci/sample_disk.ts";
import { hostKeyOf } from "../integration/deploy/ssh/ssh_place.ts";
import { type Sshd, startSshd } from "../ssh/sshd.ts";
import { forgetDeployments } from "./forget_deployments.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { runPim } from "./pim_command.ts";

const rounds = 5;
const imageMiB = 1024;

/** Sending an image to a host over `scp` of it, both with their start-up; then sending what is there already. */
export async function measureSsh(): Promise<Measurement[]> {
  await using temp = await tempDir();
  const home = temp.path;
  await using sshd = await startSshd();
  const images = join(home, "data", "images");
  const image = await sampleDisk(images, { mib: imageMiB });
  await registerSample(join(home, "data", "registry.yml"), image);
  await writeTarget(home, sshd);
  const deploy = () => timeMs(() => runPim(home, ["deploy", "run", "web", "lab"]));
  const afresh = async (work: () => Promise<number>) => {
    await removeIfThere(join(home, "there"));
    await forgetDeployments(home);
    await Deno.mkdir(join(home, "there"));
    // What the one before left to be written does not count.
    await run(["sync"]);
    return await work();
  };
  const [pim = [], scp = []] = await interleave(rounds, [
    () => afresh(deploy),
    () => afresh(() => timeMs(() => runScp(home, sshd, image.path))),
  ]);
  await afresh(deploy);
  const again = await deploy();
  return [
    {
      ...{ name: "ssh", what: `send ${imageMiB} MiB over SSH`, unit: "s", pim: median(pim) / 1000 },
      baseline: { name: "scp", value: median(scp) / 1000 },
      ...{ aim: 1.1, runs: rounds },
    },
    {
      ...{ name: "ssh-again", what: "send it once more", unit: "s", pim: again / 1000 },
      ...{ aim: 1, aimOf: "number", runs: 1 },
    },
  ];
}

async function writeTarget(home: string, sshd: Sshd): Promise<void> {
  await Deno.writeTextFile(keyFile(home), sshd.key.privateKey, { mode: 0o600 });
  const target = {
    ...{ type: "ssh", host: "127.0.0.1", port: sshd.port, username: sshd.username },
    ...{ key: `file:${keyFile(home)}`, host_key: await hostKeyOf(sshd), path: join(home, "there") },
  };
  await writeFileAtomic(join(home, "config", "targets.d", "lab.yml"), JSON.stringify({ lab: target }));
}

function keyFile(home: string): string {
  return join(home, "key");
}

async function runScp(home: string, { port, username }: Sshd, image: string): Promise<void> {
  const trusting = ["StrictHostKeyChecking=no", `UserKnownHostsFile=${join(home, "known_hosts")}`];
  const options = trusting.flatMap((each) => ["-o", each]);
  const there = `${username}@127.0.0.1:${join(home, "there", "image.qcow2")}`;
  await run(["scp", "-q", "-F", "none", "-i", keyFile(home), "-P", String(port), ...options, image, there]);
}
