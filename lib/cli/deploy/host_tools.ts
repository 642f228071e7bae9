import { readSecret } from "../../deploy/secret.ts";
import type { HostTools } from "../../deploy/target.ts";
import { findQemuImg } from "../../qemu/find_img.ts";
import type { PimContext } from "../context.ts";

/** What targets need of this host, as a command has it. */
export function hostTools({ env, signal }: PimContext): HostTools {
  return {
    ...{ env, signal },
    qemuImg: findQemuImg,
    secret: (reference, baseDir) => readSecret(reference, { env, baseDir, signal }),
  };
}
