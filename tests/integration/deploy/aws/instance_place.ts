import type { Verifying } from "../../../../lib/deploy/verify.ts";
import { registryFile } from "../../../../lib/paths.ts";
import { verifyingWith } from "../../../deploy/verifying.ts";
import { freePort } from "../../../ssh/sshd.ts";
import type { Deployer } from "./deployer.ts";

/** Settings of a target whose instances nothing answers for: on their SSH port listens nobody. */
export function whereInstancesRun(): string {
  return `verify_instance: { subnet: subnet-0a1b2c3d, security_group: sg-0a1b2c3d, ssh_port: ${freePort()} }`;
}

/** What to verify a deployment with. */
export function verifying({ paths }: Deployer, bootTimeoutMs = 60_000): Verifying {
  const images = { registryPath: registryFile(paths), imageDir: paths.dataDir };
  const dirs = { vmsDir: paths.dataDir, runtimeDir: paths.dataDir, cacheDir: paths.cacheDir };
  return verifyingWith({ ...dirs, images }, bootTimeoutMs);
}
