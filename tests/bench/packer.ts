import { join } from "node:path";
import { removeIfThere } from "../../lib/files.ts";
import { ensurePackages, type OnProgress } from "../demo/packages.ts";
import { run } from "../../lib/process.ts";
import { probeQemu } from "../../lib/qemu/host.ts";
import { freePort } from "../../lib/qemu/ports.ts";
import { guestHost } from "../../lib/serve/server.ts";
import type { DemoIso } from "../demo/make_iso.ts";
import { answersAsPim, copyScripts, planAsPim } from "./demo_plan.ts";
import { timeMs } from "./measurement.ts";
import { packerImage, packerTemplate } from "./packer_template.ts";

/** A build with packer that went well. */
export interface PackerBuild {
  readonly seconds: number;
  readonly imageBytes: number;
  /** The image; it is in the folder of the build. */
  readonly image: string;
  /** Packer's own output, with the time of day before each line. */
  readonly log: string;
}

/** Installs Debian's packer where it is missing. */
export async function ensurePacker(onProgress: OnProgress): Promise<void> {
  await ensurePackages({ packer: "the builder that pim is measured beside" }, onProgress);
}

/**
 * Builds a profile of a project with packer in a folder of its own, from the same ISO, answers and scripts as pim. All
 * that a person would have written down before is there when the clock starts. Throws when packer fails.
 */
export async function buildWithPacker(
  home: string,
  project: string,
  profile: string,
  iso: DemoIso,
): Promise<PackerBuild> {
  const plan = await planAsPim(home, project, profile);
  const host = await probeQemu({ architecture: plan.architecture, cacheDir: join(home, "cache") });
  const [work, httpPort] = [join(home, "packer"), freePort()];
  const httpDir = join(work, "http");
  await Deno.mkdir(httpDir, { recursive: true });
  for (const [path, { body }] of await answersAsPim(plan, `http://${guestHost}:${httpPort}`)) {
    await Deno.writeTextFile(join(httpDir, path), body);
  }
  const scriptsDir = join(work, "scripts");
  const scripts = (await copyScripts(plan, scriptsDir)).map((name) => join(scriptsDir, name));
  const outputDir = join(work, "output");
  const template = packerTemplate({
    ...{ plan, iso, httpDir, httpPort, scripts, outputDir },
    accelerator: host.accelerator.name,
    serialLog: join(work, "serial.log"),
  });
  const file = join(work, "template.json");
  await Deno.writeTextFile(file, JSON.stringify(template, null, 2));
  await removeIfThere(outputDir);
  const env = packerEnvironment(work);
  let log = "";
  const seconds = await timeMs(async () => {
    const argv = ["packer", "build", "-color=false", "-timestamp-ui", file];
    log = (await run(argv, { cwd: work, env })).stdout;
  }) / 1000;
  const image = join(outputDir, packerImage);
  return { seconds, imageBytes: (await Deno.stat(image)).size, image, log };
}

/** Folders of packer's below ours; it asks nobody for a newer version of itself. */
function packerEnvironment(work: string): Record<string, string> {
  return {
    CHECKPOINT_DISABLE: "1",
    PACKER_CACHE_DIR: join(work, "cache"),
    PACKER_CONFIG: join(work, "packerconfig"),
    PACKER_CONFIG_DIR: work,
  };
}
