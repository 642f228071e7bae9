import { buildSteps } from "../build/build.ts";
import { type BuildPlan, planBuild } from "../build/plan.ts";
import { runBuild } from "../build/run.ts";
import { hideSecret } from "../log.ts";
import { formatChecksum } from "../iso/checksum.ts";
import { isoStatus } from "../iso/status.ts";
import type { RunFlags } from "./build.ts";
import { buildRenderer } from "./build_render.ts";
import type { PimContext } from "./context.ts";
import { countOf } from "./count.ts";
import { table } from "./table.ts";

/** `pim build run PROFILE` */
export async function run(this: PimContext, flags: RunFlags, profile: string): Promise<void> {
  const config = await this.config();
  const plan = await planBuild(config, {
    profile,
    architecture: flags.arch,
    iso: flags.iso,
    force: flags.force,
  });
  hideSecret(plan.profile.password);
  if (flags.dryRun) return await printPlan(this, plan, flags.json);
  const onError = flags.onError ?? config.settings.build.on_error;
  using renderer = await buildRenderer({
    mode: flags.json ? "json" : this.quiet ? "quiet" : this.live ? "live" : "plain",
    print: (line) => this.print(line),
    say: (line) => this.process.stderr.write(`${line}\n`),
  });
  const image = await runBuild(plan, {
    signal: this.signal,
    onEvent: renderer.listen,
    ...(flags.console && { onConsole: renderer.console }),
    keepDisk: async ({ message }) =>
      onError === "keep" ||
      (onError === "ask" && this.live &&
        await renderer.ask(`${message}\nKeep the disk of the failed build?`, this.signal)),
  });
  if (!flags.json) this.print(image.path);
}

async function printPlan(context: PimContext, plan: BuildPlan, json: boolean): Promise<void> {
  const steps = buildSteps(plan).steps.map(({ name }) => name);
  const iso = await isoStatus(plan.iso, plan.config.settings.iso.iso_dir);
  const { build } = plan.profile;
  const data = {
    image: `${plan.config.settings.build.image_dir}/${plan.name}.qcow2`,
    profile: plan.profile.name,
    architecture: plan.architecture,
    iso: {
      key: plan.iso.key,
      url: plan.iso.url,
      state: iso.state,
      ...(plan.iso.checksum && { checksum: formatChecksum(plan.iso.checksum) }),
    },
    machine: {
      memoryMiB: build.memoryMiB,
      cpus: build.cpus,
      diskSize: build.diskSize,
      firmware: build.firmware,
    },
    user: plan.sshUser,
    scripts: plan.scripts.map(({ path }) => path),
    steps,
  };
  if (json) return context.print(JSON.stringify(data, null, 2));
  context.print(table(["WHAT", "VALUE"], [
    ["image", data.image],
    ["ISO", `${data.iso.key} (${data.iso.state}) ${data.iso.url}`],
    [
      "machine",
      `${build.memoryMiB} MiB, ${
        countOf(build.cpus, "CPU")
      }, disk ${build.diskSize}, ${build.firmware}, ${plan.architecture}`,
    ],
    ["user", data.user],
    ...data.scripts.map((path, index) => [index === 0 ? "scripts" : "", path]),
    ...steps.map((step, index) => [index === 0 ? "steps" : "", `${index + 1}. ${step}`]),
  ]));
}
