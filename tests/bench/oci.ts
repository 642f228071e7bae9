import { join } from "node:path";
import { removeIfThere, writeFileAtomic } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { dockerRegistry } from "../integration/deploy/oci/docker_registry.ts";
import { registerSample, sampleDisk } from "../integration/deploy/oci/sample_disk.ts";
import { forgetDeployments } from "./forget_deployments.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { runPim } from "./pim_command.ts";

const rounds = 3;
const imageMiB = 256;
const layouts = ["artifact", "containerdisk"] as const;
type Layout = (typeof layouts)[number];

/**
 * Pushing an image to Docker's registry and pulling it over `skopeo copy` of the same blobs, both with their start-up;
 * then pushing what is there already. Every push has a registry of its own: both would remember where blobs are.
 */
export async function measureOci(_pairs: number, say: (line: string) => void): Promise<Measurement[]> {
  await using temp = await tempDir();
  const home = temp.path;
  const images = join(home, "data", "images");
  await registerSample(join(home, "data", "registry.yml"), await sampleDisk(images, { mib: imageMiB }));
  const found: Measurement[] = [];
  for (const layout of layouts) {
    say(`measuring oci: ${layout}`);
    found.push(...await measureLayout(home, layout));
  }
  return found;
}

async function measureLayout(home: string, layout: Layout): Promise<Measurement[]> {
  const copy = join(home, `${layout}-blobs`);
  await using registry = await dockerRegistry();
  const repository = `${registry.host}/bench/web`;
  await pimPush(home, layout, registry.host);
  const again = await timeMs(() => push(home, "one"));
  const elsewhere = await timeMs(() => push(home, "two"));
  await skopeo(`docker://${repository}:x`, `dir:${copy}`);
  const pushes = await interleave(rounds, [
    () => withRegistry((host) => pimPush(home, layout, host)),
    () => withRegistry((host) => timeMs(() => skopeo(`dir:${copy}`, `docker://${host}/bench/web:x`))),
  ]);
  const pulls = await interleave(rounds, [
    () => pimPull(home, `${repository}:x`),
    () => timeIn(home, (dir) => skopeo(`docker://${repository}:x`, `dir:${dir}`)),
  ]);
  const seconds = (times: readonly number[] = []) => median(times) / 1000;
  const beside = (what: string, times: readonly number[][], aim: number): Measurement => ({
    ...{
      name: `oci-${layout}`,
      what: `${what} ${imageMiB} MiB as ${layout}`,
      unit: "s",
      pim: seconds(times[0]),
    },
    baseline: { name: "skopeo copy", value: seconds(times[1]) },
    ...{ aim, runs: rounds },
  });
  const alone = (what: string, ms: number): Measurement => ({
    ...{ name: `oci-${layout}-again`, what: `push it ${what}`, unit: "s", pim: ms / 1000, aim: 1, runs: 1 },
    aimOf: "number",
  });
  return [
    beside("push", pushes, 1.1),
    // pim takes the disk out of its layer, and has qemu-img check it.
    beside("pull", pulls, 1.5),
    alone("once more", again),
    alone("to another repository", elsewhere),
  ];
}

/** Pushes as if it was for the first time. */
async function pimPush(home: string, layout: Layout, host: string): Promise<number> {
  const target = (repository: string) =>
    JSON.stringify({ type: "oci", reference: `${host}/${repository}/{profile}:x`, layout });
  const targets = `one: ${target("bench")}\ntwo: ${target("else")}\n`;
  await writeFileAtomic(join(home, "config", "targets.d", "hub.yml"), targets);
  await removeIfThere(join(home, "cache"));
  await forgetDeployments(home);
  return await timeMs(() => push(home, "one"));
}

function push(home: string, target: string): Promise<unknown> {
  return runPim(home, ["deploy", "run", "web", target]);
}

async function pimPull(home: string, reference: string): Promise<number> {
  return await timeIn(home, (dir) => runPim(dir, ["image", "pull", reference]));
}

async function timeIn(home: string, work: (dir: string) => Promise<unknown>): Promise<number> {
  const dir = await Deno.makeTempDir({ dir: home });
  try {
    return await timeMs(() => work(dir));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function withRegistry(work: (host: string) => Promise<number>): Promise<number> {
  await using registry = await dockerRegistry();
  return await work(registry.host);
}

/** Blobs as they are, as pim sends them: skopeo would pack a layer anew. */
async function skopeo(from: string, to: string): Promise<void> {
  const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  await run(["skopeo", "copy", "--quiet", "--preserve-digests", ...plain, from, to]);
}
