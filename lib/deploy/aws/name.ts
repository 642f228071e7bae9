import { UsageError } from "../../errors.ts";
import { DeployError } from "../deploy_error.ts";
import { fillName } from "../name_template.ts";
import type { DeployImage } from "../target.ts";
import type { Ami } from "./ami.ts";
import type { AwsSettings } from "./settings.ts";

/** The name that an image's AMI gets. */
export function amiName({ name }: Pick<AwsSettings, "name">, { entry }: Pick<DeployImage, "entry">): string {
  const filled = fillName(name, entry);
  if (filled.length >= 3) return filled;
  throw new UsageError(
    `${JSON.stringify(filled)} cannot be the name of an AMI: it has fewer than 3 characters`,
    { hint: "Set a longer `name` in targets.d." },
  );
}

/**
 * The AMI that has the wanted name, when it is the wanted one. Throws a DeployError when it is one that must not go:
 * only what bears pim's mark is ever replaced, and only with --force.
 */
export function takenAmi(
  ami: Ami | undefined,
  { image: { entry, sha256 }, force, region, known }: {
    readonly image: DeployImage;
    readonly force: boolean;
    readonly region: string;
    /** The AMI that an earlier run has made. */
    readonly known: string | undefined;
  },
): Ami | undefined {
  if (ami === undefined) return undefined;
  const what = `Cannot deploy ${entry.name}: ${region} has an AMI ${ami.name} already (${ami.id})`;
  if (ami.sha256 === undefined && known !== ami.id) {
    throw new DeployError(`${what}, and pim has not made it`, {
      hint:
        "Set another `name` in targets.d, or remove that AMI yourself: pim touches only what bears its tags.",
    });
  }
  if (ami.sha256 !== sha256 && !force) {
    throw new DeployError(`${what}, made from another image`, {
      hint: "Replace it with --force, or set another `name` in targets.d, such as {name}.",
    });
  }
  return force || ["failed", "error", "invalid"].includes(ami.state) ? undefined : ami;
}
