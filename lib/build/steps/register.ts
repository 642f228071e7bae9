import { basename, join } from "node:path";
import { formatChecksum } from "../../iso/checksum.ts";
import { updateRegistry } from "../../image/registry.ts";
import { registryFile } from "../../paths.ts";
import type { Step } from "../chain.ts";
import type { BuiltImage, Flattened } from "../states.ts";

/** Records the image in the registry and puts the build's logs beside it. */
export const register: Step<Flattened, BuiltImage> = {
  name: "register",
  async run(state) {
    const { plan, workspace: { files }, image, imageBytes } = state;
    const imageDir = plan.config.settings.build.image_dir;
    const serialLog = join(imageDir, `${plan.name}.serial.log`);
    const buildLog = join(imageDir, `${plan.name}.build.log`);
    await Deno.copyFile(files.serialLog, serialLog);
    await Deno.copyFile(files.buildLog, buildLog);
    await updateRegistry(registryFile(plan.config.paths), (registry) => {
      registry.add({
        name: plan.name,
        profile: plan.profile.name,
        architecture: plan.architecture,
        file: basename(image),
        format: "qcow2",
        virtualBytes: plan.diskBytes,
        bytes: imageBytes,
        sha256: state.sha256,
        created: new Date().toISOString(),
        firmware: plan.profile.build.firmware,
        ...(state.imageEfiVars !== undefined && { efiVars: basename(state.imageEfiVars) }),
        iso: {
          key: plan.iso.key,
          filename: plan.iso.filename,
          ...(state.iso.checksum !== undefined && { checksum: formatChecksum(state.iso.checksum) }),
        },
        scripts: plan.scripts.map(({ name }) => name),
        username: plan.profile.username,
        logs: [basename(serialLog), basename(buildLog)],
      });
    });
    return { name: plan.name, path: image, bytes: imageBytes };
  },
};
