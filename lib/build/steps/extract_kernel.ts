import { UsageError } from "../../errors.ts";
import { findBootFiles, installerNamed, recogniseIso } from "../../installer/installers.ts";
import { openIso } from "../../iso/iso9660/iso9660.ts";
import { formatChecksum } from "../../iso/verify/checksum.ts";
import type { Step } from "../chain.ts";
import type { Origin } from "../layers/keys.ts";
import type { BootReady, IsoReady } from "../states.ts";

/** Recognises the installer on the ISO and takes its kernel and initrd out, so that nothing has to be typed at a boot menu. */
export const extractKernel: Step<IsoReady, BootReady> = {
  name: "extract kernel",
  async run(state, { signal, progress }) {
    const { plan, workspace: { files } } = state;
    await using iso = await openIso(state.iso.path);
    const found = await recogniseIso(iso);
    const family = plan.profile.installer ?? found?.family;
    if (family === undefined) {
      throw new UsageError(`${state.iso.path} is not an installer that pim knows`, {
        hint: "Say which family it is with installer in the profile: debian or ubuntu.",
      });
    }
    if (found?.architecture !== undefined && found.architecture !== plan.architecture) {
      throw new UsageError(
        `${state.iso.path} is for ${found.architecture}, and this build is for ${plan.architecture}`,
        {
          hint: "Choose another ISO with --iso, or another architecture with --arch.",
        },
      );
    }
    const installer = installerNamed(family);
    const boot = await findBootFiles(installer, iso, plan.architecture);
    if (boot === undefined) {
      const places = installer.kernelPaths(plan.architecture).map(({ kernel }) => kernel).join(", ");
      throw new UsageError(
        `${state.iso.path} has no ${installer.title} kernel in the usual places: ${places}`,
      );
    }
    await iso.extract(boot.kernel, files.kernel, { signal });
    await iso.extract(boot.initrd, files.initrd, { signal });
    progress(`${installer.title} ${found?.version ?? ""} ${boot.kernel}`.replace(/ +/g, " "));
    const origin: Origin = {
      isoChecksum: formatChecksum(state.iso.checksum),
      family,
      ...(found?.version !== undefined && { version: found.version }),
    };
    return { ...state, origin, installer, kernel: files.kernel, initrd: files.initrd };
  },
};
