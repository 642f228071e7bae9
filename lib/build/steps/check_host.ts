import { HostError, messageOf } from "../../errors.ts";
import { checkRegistry, openRegistry } from "../../image/registry.ts";
import { requireSpace } from "../../image/space.ts";
import { registryFile } from "../../paths.ts";
import { probeQemu } from "../../qemu/host.ts";
import type { Step } from "../chain.ts";
import type { BuildPlan } from "../plan.ts";
import type { HostReady, Planned } from "../states.ts";

/** What an image of a small server system takes; the first build of a profile has nothing better to go by. */
export const usualImageBytes = 3 * 1024 ** 3;

/** Finds out whether this host can do the build: QEMU, its accelerator, room on disk, a sound registry. */
export const checkHost: Step<Planned, HostReady> = {
  name: "check host",
  async run({ plan, workspace }, { signal, progress }) {
    const { paths } = plan.config;
    await checkRegistry(registryFile(paths));
    const host = await probeQemu({
      architecture: plan.architecture,
      firmware: plan.profile.build.firmware,
      cacheDir: paths.cacheDir,
      signal,
    });
    const { name, reason } = host.accelerator;
    progress(`QEMU ${host.version.text}, accelerator ${name}${reason === undefined ? "" : ` (${reason})`}`);
    if (plan.sshPort !== 0) requireFreePort(plan.sshPort);
    await requireWritable(plan.config.settings.build.image_dir);
    if (!plan.force) await requireRoom(plan, workspace.dir);
    return { plan, workspace, host };
  },
};

/** A port that pim.yml fixes is tried now, not after half an hour of installing. */
function requireFreePort(port: number): void {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (cause) {
    throw new HostError(
      `Port ${port} of 127.0.0.1, which build.ssh.port asks for, cannot be used: ${messageOf(cause)}`,
      {
        cause,
        hint: "Set build.ssh.port to 0 for any free port (PIM_BUILD_SSH_PORT=0 for this run).",
      },
    );
  }
}

/** The image folder, like the port, is needed only at the end. */
async function requireWritable(dir: string): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true });
    await Deno.remove(await Deno.makeTempFile({ dir, prefix: ".pim-" }));
  } catch (cause) {
    throw new HostError(`Cannot write to the image folder ${dir}: ${messageOf(cause)}`, {
      cause,
      hint: "Choose another one with build.image_dir (PIM_BUILD_IMAGE_DIR for this run).",
    });
  }
}

async function requireRoom(plan: BuildPlan, workDir: string): Promise<void> {
  const { disk, image } = await expectedBytes(plan);
  await requireSpace([
    { dir: workDir, bytes: disk, what: "the disk of the build" },
    { dir: plan.config.settings.build.image_dir, bytes: image, what: "the finished image" },
  ]);
}

// A compressed image is about a third of what its disk holds.
const diskOverImage = 3;

/** Bytes that disk and image will take: half as much again as the profile's last image, or what is usual. */
async function expectedBytes(plan: BuildPlan): Promise<{ readonly disk: number; readonly image: number }> {
  const registry = await openRegistry(registryFile(plan.config.paths));
  const last = registry.newest(plan.profile.name, plan.architecture);
  const image = Math.min(
    plan.diskBytes,
    last === undefined ? usualImageBytes : Math.ceil(last.bytes * 1.5),
  );
  return { image, disk: last === undefined ? image : Math.min(plan.diskBytes, image * diskOverImage) };
}
