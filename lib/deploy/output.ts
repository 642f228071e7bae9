import type { Deployment } from "../image/deployment.ts";
import type { Ids } from "./target.ts";

/** References to one deployed image, as other tools read them. */
interface Reference {
  readonly image: string;
  readonly where: string;
  readonly sha256: string;
  readonly ids: Ids;
}

/**
 * The newest finished deployment of each target, unless it has failed its verification, as a document for other tools:
 * JSON, or a variable `pim_images` in the form of a .auto.tfvars.json file for OpenTofu and Terraform: a map of
 * target -> profile -> reference.
 */
export function deploymentOutput(deployments: readonly Deployment[], format: "json" | "tfvars"): string {
  const images: Record<string, Record<string, Reference>> = {};
  // The oldest first: a newer one takes the place of those before it.
  for (const { target, image, where, sha256, ids } of deployments.filter(isUsable)) {
    (images[target] ??= {})[profileOf(image)] = { image, where, sha256, ids };
  }
  return JSON.stringify(format === "json" ? images : { pim_images: images }, null, 2);
}

function isUsable({ state, verified }: Deployment): boolean {
  return state === "done" && verified?.ok !== false;
}

/** The profile in an image's name, `<profile>-<architecture>-<time>`, with the architecture: two may be deployed. */
function profileOf(image: string): string {
  return image.replace(/-\d{8}T\d{6}Z$/, "");
}
