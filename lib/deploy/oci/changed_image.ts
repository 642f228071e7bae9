import { DeployError } from "../deploy_error.ts";
import type { DeployImage } from "../target.ts";

/** The error of an image whose file is not what its entry says. */
export function changedImage({ entry, path }: DeployImage): DeployError {
  return new DeployError(
    `Cannot deploy ${entry.name}: ${path} is not what was built (its SHA-256 is another)`,
    {
      hint: `Build it again: pim build run ${entry.profile} --force`,
    },
  );
}
