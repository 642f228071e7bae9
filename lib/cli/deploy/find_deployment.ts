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
    hint: nearTo(id, all),
  });
}

/** Those of the target, the image or the profile that was named instead; else the nearest one. */
function nearTo(id: string, all: readonly Deployment[]): string {
  const related = all.filter((each) =>
    each.target === id || each.image === id || each.image.startsWith(`${id}-`)
  );
  const ids = (related.length > 0 ? related : all).map((each) => each.id);
  if (related.length === 1) return `Did you mean ${ids[0]}?`;
  return didYouMean(id, ids, "Nothing was deployed yet.");
}
