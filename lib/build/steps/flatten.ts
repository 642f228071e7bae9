import { removeIfThere } from "../../files.ts";
import { hashFile } from "../../iso/verify/checksum.ts";
import { compressionSpec, usableCompression } from "../../qemu/compression.ts";
import { convertImage } from "../../qemu/img.ts";
import type { Step } from "../chain.ts";
import { partOfImage } from "../leftovers.ts";
import type { Flattened, PoweredOff } from "../states.ts";

/** Copies what the disk holds into one compact qcow2 in the image folder, which is no image until it is registered. */
export const flatten: Step<PoweredOff, Flattened> = {
  name: "flatten",
  async run(state, { signal, progress, undo }) {
    const { plan, host: { qemuImg }, workspace } = state;
    const { image_dir: imageDir, compression } = plan.config.settings.build;
    await Deno.mkdir(imageDir, { recursive: true });
    const part = partOfImage(imageDir, plan.name);
    undo.defer(() => removeIfThere(part));
    const usable = await usableCompression(compression, { qemuImg, dir: workspace.dir, signal });
    await convertImage(
      {
        source: state.disk,
        sourceFormat: "qcow2",
        target: part,
        format: "qcow2",
        ...compressionSpec(usable),
      },
      { qemuImg, signal, onProgress: (done) => progress("copying", done) },
    );
    progress("hashing");
    const sha256 = await hashFile(part, "sha256", { signal });
    const { size } = await Deno.stat(part);
    return { ...state, part, imageBytes: size, sha256 };
  },
};
