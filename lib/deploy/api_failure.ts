import { HttpError } from "../http/error.ts";
import { DeployError } from "./deploy_error.ts";

/** Does a part of a deployment; an API that does not answer or says no makes it fail as a deployment does. */
export async function deploying<T>(
  what: string,
  work: () => Promise<T>,
  hintOf: (error: HttpError) => string | undefined = () => undefined,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    const hint = hintOf(error) ?? error.hint;
    throw new DeployError(`Cannot ${what}: ${error.message}`, { hint, cause: error });
  }
}
