import { join } from "node:path";
import { writeFileAtomic } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { writeLargeFile } from "./large_file.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { runPim } from "./pim_command.ts";

const rounds = 3;
const mebibytes = 1024;

/** `pim iso verify` of a 1 GiB ISO over sha256sum; both with their start-up, and both from the page cache. */
export async function measureHashing(): Promise<Measurement[]> {
  await using temp = await tempDir();
  const home = temp.path;
  const iso = join(home, "large.iso");
  await writeLargeFile(iso, mebibytes);
  const { stdout } = await run(["sha256sum", iso]);
  await writeCatalog(home, iso, stdout.slice(0, 64));
  const timers = [
    () => timeMs(() => runPim(home, ["iso", "verify", "large", "--full"])),
    () => timeMs(() => run(["sha256sum", iso])),
  ];
  await timers[0]?.();
  const [pim = 0, sha256sum = 0] = (await interleave(rounds, timers)).map((times) => median(times) / 1000);
  return [{
    name: "hashing",
    what: "pim iso verify of 1 GiB",
    unit: "s",
    pim,
    baseline: { name: "sha256sum", value: sha256sum },
    aim: 1.1,
    runs: rounds,
  }];
}

async function writeCatalog(home: string, iso: string, sha256: string): Promise<void> {
  await writeFileAtomic(
    join(home, "config", "isos.d", "large.yml"),
    ["large:", `  url: ${JSON.stringify(iso)}`, `  checksum: sha256:${sha256}`, "  architecture: amd64", ""]
      .join("\n"),
  );
}
