import { UsageError } from "../../errors.ts";
import type { Deployment } from "../../image/deployment.ts";
import { listDeployments } from "../../image/deployments.ts";
import { registryFile } from "../../paths.ts";
import { didYouMean } from "../../suggest.ts";
import type { PimContext } from "../context.ts";

/** The deployment with this id; throws {@linkcode UsageError} with the nearest one. */
export async function getDeployment(context: PimContext, id: string): Promise<Deployment> {
  const all = await listDeployments(registryFile((await context.config()).paths));
  const found = all.find((each) => each.id === id);
  if (found !== undefined) return found;
  throw new UsageError(`There is no deployment ${id}`, {
    hint: didYouMean(id, all.map((each) => each.id), "Nothing was deployed yet."),
  });
}
