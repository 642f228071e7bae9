import { join } from "node:path";
import { removeIfThere } from "../../files.ts";
import { hashFile } from "../../iso/checksum.ts";
import { convertImage } from "../../qemu/img.ts";
import type { Step } from "../chain.ts";
import type { Flattened, PoweredOff } from "../states.ts";

/** Copies what the disk holds into one compact qcow2 among the images; it appears there only when it is whole. */
export const flatten: Step<PoweredOff, Flattened> = {
  name: "flatten",
  async run(state, { signal, progress, undo }) {
    const { plan, host } = state;
    const imageDir = plan.config.settings.build.image_dir;
    await Deno.mkdir(imageDir, { recursive: true });
    const image = join(imageDir, `${plan.name}.qcow2`);
    const part = `${image}.part`;
    undo.defer(() => removeIfThere(part));
    await convertImage(
      { source: state.disk, target: part, format: "qcow2" },
      { qemuImg: host.qemuImg, signal, onProgress: (done) => progress("copying", done) },
    );
    const imageEfiVars = state.efiVars === undefined ? undefined : join(imageDir, `${plan.name}.efi-vars.fd`);
    if (state.efiVars !== undefined && imageEfiVars !== undefined) {
      await Deno.copyFile(state.efiVars, imageEfiVars);
    }
    const sha256 = await hashFile(part, "sha256", { signal });
    await Deno.rename(part, image);
    const { size } = await Deno.stat(image);
    return { ...state, image, imageBytes: size, sha256, ...(imageEfiVars !== undefined && { imageEfiVars }) };
  },
};
