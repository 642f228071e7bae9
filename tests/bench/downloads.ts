import { join } from "node:path";
import { writeFileAtomic } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { writeLargeFile } from "./large_file.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { runPim } from "./pim_command.ts";
import { serveFolder } from "./web_server.ts";

const rounds = 3;
const largeMiB = 1024;
const smallMiB = 128;
const smallCount = 8;

/** Downloads and verification of ISOs over curl and sha256sum; nginx serves, all is in the page cache. */
export async function measureDownloads(): Promise<Measurement[]> {
  await using temp = await tempDir();
  const home = temp.path;
  const served = join(home, "served");
  await Deno.mkdir(served);
  const small = Array.from({ length: smallCount }, (_, index) => `small${index + 1}.iso`);
  await writeLargeFile(join(served, "large.iso"), largeMiB);
  for (const name of small) await writeLargeFile(join(served, name), smallMiB);
  await using server = await serveFolder(served, join(home, "nginx"));
  await writeCatalog(home, served, server.url, ["large.iso", ...small]);
  return [
    await measureOne(home, server.url),
    await measureMany(home, server.url, small),
    await measureVerify(home, small),
  ];
}

async function measureOne(home: string, url: string): Promise<Measurement> {
  const pim = () => afresh(home, (_isos, env) => runPim(home, ["iso", "download", "large"], env));
  const others = () =>
    afresh(home, async (isos) => {
      const path = join(isos, "large.iso");
      await run(["curl", "-s", "-f", "-o", path, `${url}/large.iso`]);
      await run(["sha256sum", path]);
    });
  return await compare(
    "download",
    `pim iso download of ${largeMiB} MiB`,
    [pim, others],
    "curl; sha256sum",
    0.9,
  );
}

async function measureMany(home: string, url: string, names: readonly string[]): Promise<Measurement> {
  const keys = names.map(keyOf);
  const pim = () => afresh(home, (_isos, env) => runPim(home, ["iso", "download", ...keys], env));
  const others = () =>
    afresh(home, async (isos) => {
      const argv = ["curl", "-s", "-f", "-Z", "--parallel-max", String(smallCount)];
      await run([
        ...argv,
        "--output-dir",
        isos,
        "--remote-name-all",
        ...names.map((name) => `${url}/${name}`),
      ]);
      await run(["sha256sum", ...names.map((name) => join(isos, name))]);
    });
  const what = `pim iso download of ${smallCount} x ${smallMiB} MiB`;
  return await compare("downloads", what, [pim, others], "curl -Z; sha256sum", 0.9);
}

async function measureVerify(home: string, names: readonly string[]): Promise<Measurement> {
  const isos = { PIM_ISO_ISO_DIR: join(home, "isos") };
  await Deno.remove(isos.PIM_ISO_ISO_DIR, { recursive: true }).catch(() => {});
  await runPim(home, ["iso", "download", ...names.map(keyOf)], isos);
  const paths = names.map((name) => join(isos.PIM_ISO_ISO_DIR, name));
  const list = join(home, "list");
  await Deno.writeTextFile(list, paths.map((path) => `${path}\n`).join(""));
  const cores = String(navigator.hardwareConcurrency);
  const pim = () => timeMs(() => runPim(home, ["iso", "verify", "--all", "--full"], isos));
  const others = () => timeMs(() => run(["xargs", "-a", list, "-n", "1", "-P", cores, "sha256sum"]));
  const what = `pim iso verify --all --full of ${smallCount} x ${smallMiB} MiB`;
  return await compare("verify", what, [pim, others], `sha256sum, ${cores} at a time`, 1.1);
}

async function compare(
  name: string,
  what: string,
  timers: readonly (() => Promise<number>)[],
  baseline: string,
  aim: number,
): Promise<Measurement> {
  const [pim = 0, other = 0] = (await interleave(rounds, timers)).map((times) => median(times) / 1000);
  return { name, what, unit: "s", pim, baseline: { name: baseline, value: other }, aim, runs: rounds };
}

/** Milliseconds of something that fills an empty folder; what the one before left to be written does not count. */
async function afresh(
  home: string,
  work: (isoDir: string, env: Record<string, string>) => Promise<unknown>,
): Promise<number> {
  const isoDir = join(home, "isos");
  await Deno.remove(isoDir, { recursive: true }).catch(() => {});
  await Deno.mkdir(isoDir);
  await run(["sync"]);
  return await timeMs(() => work(isoDir, { PIM_ISO_ISO_DIR: isoDir }));
}

function keyOf(name: string): string {
  return name.replace(".iso", "");
}

async function writeCatalog(
  home: string,
  served: string,
  url: string,
  names: readonly string[],
): Promise<void> {
  const { stdout } = await run(["sha256sum", ...names.map((name) => join(served, name))]);
  const entries = stdout.trim().split("\n").map((line, index) => {
    const name = names[index] ?? "";
    return `${keyOf(name)}:\n  url: ${url}/${name}\n  checksum: sha256:${
      line.slice(0, 64)
    }\n  architecture: amd64\n`;
  });
  await writeFileAtomic(join(home, "config", "isos.d", "bench.yml"), entries.join(""));
}
