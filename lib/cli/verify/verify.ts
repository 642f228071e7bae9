import type { Architecture } from "../../architecture.ts";
import { buildCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, bootTimeoutFlag, jsonFlag, type JsonFlags } from "../flags.ts";
import { live, liveOrFile } from "../names.ts";

/** Flags of `pim verify`. */
export interface VerifyFlags extends JsonFlags {
  readonly arch?: Architecture;
  readonly firmware?: "bios" | "uefi";
  readonly profile?: string;
  /** Seconds. */
  readonly timeout?: number;
}

/** `pim verify` */
export const verifyCommand = buildCommand<VerifyFlags, [string], PimContext>({
  loader: async () => (await import("./verify_impl.ts")).verify,
  parameters: {
    flags: {
      ...jsonFlag,
      arch: archFlag,
      firmware: {
        kind: "enum",
        values: ["bios", "uefi"],
        optional: true,
        brief: "Firmware that an image needs which pim did not build",
      },
      profile: {
        kind: "parsed",
        parse: String,
        optional: true,
        placeholder: "PROFILE",
        proposeCompletions: live("profiles"),
        brief: "Profile to measure by (default: the one that the image was built from)",
      },
      timeout: bootTimeoutFlag,
    },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        placeholder: "PROFILE|IMAGE|FILE",
        brief: "The newest image of a profile, an image, or a disk file",
        proposeCompletions: liveOrFile("profiles", "images"),
      }],
    },
  },
  docs: {
    brief: "Boot an image and check that it is as it shall be",
    fullDescription:
      "Boots two throw-away overlays of an image and checks them: that the system comes up without failed units, that\n" +
      "SSH and the guest agent answer, that each machine gets an identity of its own, that nothing of the build is left,\n" +
      "and that user, packages and host name are the profile's. Then it runs verifications.d/<profile>.sh (else\n" +
      "default.sh) in the guest as root. Ends with exit code 8 when a check fails.",
    examples: {
      "pim verify web": "The newest image of the profile web",
      "pim verify disk.qcow2 --firmware uefi --profile web": "A disk of which pim knows nothing",
    },
  },
});
