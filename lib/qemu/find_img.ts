import { HostError } from "../errors.ts";
import { which } from "../process.ts";
import { installHint } from "./install_hint.ts";

/** The path of qemu-img; throws a HostError that says how to install it where it is not there. */
export async function findQemuImg(): Promise<string> {
  const path = await which("qemu-img");
  if (path !== undefined) return path;
  throw new HostError("qemu-img is not installed or not on PATH", {
    hint: await installHint(["img"], "amd64"),
  });
}
