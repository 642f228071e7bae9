import { readSecret } from "../../deploy/secret.ts";
import type { HostTools } from "../../deploy/target.ts";
import { HostError } from "../../errors.ts";
import { which } from "../../process.ts";
import { installHint } from "../../qemu/install_hint.ts";
import type { PimContext } from "../context.ts";

/** What targets need of this host, as a command has it. */
export function hostTools({ env, signal }: PimContext): HostTools {
  return {
    ...{ env, signal },
    async qemuImg() {
      const path = await which("qemu-img");
      if (path !== undefined) return path;
      throw new HostError("qemu-img is not installed or not on PATH", {
        hint: await installHint(["img"], "amd64"),
      });
    },
    secret: (reference, baseDir) => readSecret(reference, { env, baseDir, signal }),
  };
}
