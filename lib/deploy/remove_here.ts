import { messageOf } from "../errors.ts";
import { removeIfThere } from "../files.ts";
import { DeployError } from "./deploy_error.ts";

/** Removes a file or a bundle that was deployed to this host; one that is gone is no error. Throws a DeployError. */
export async function removeHere(path: string): Promise<void> {
  try {
    await removeIfThere(path);
  } catch (cause) {
    throw new DeployError(messageOf(cause), {
      cause,
      hint: "Remove it by hand, or only forget the deployment with --forget.",
    });
  }
}
