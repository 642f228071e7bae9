import { type NamedTarget, unverifiable } from "../../deploy/load_targets.ts";
import type { Verifying } from "../../deploy/verify.ts";
import { UsageError } from "../../errors.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { vmPlaces } from "../../vm/places.ts";
import type { PimContext } from "../context.ts";
import { bootTimeoutMs, subjectOf } from "../verify_subject.ts";

/** Whether a deployment to a target is verified; throws a UsageError where it is wanted and cannot be. */
export function wantsVerification(target: NamedTarget, wanted: boolean | undefined): boolean {
  if (wanted !== true || target.verifies) return wanted ?? target.verify;
  throw new UsageError(`What is deployed to ${target.name} cannot be verified there`, {
    hint: `${unverifiable(target.type)}.`,
  });
}

/** What deployments of an image are verified with. */
export async function verifyingOf(
  context: PimContext,
  image: ImageEntry,
  timeoutSeconds?: number,
): Promise<Verifying> {
  const config = await context.config();
  const subject = await subjectOf(config, { image, architecture: image.architecture });
  return {
    ...{ subject, places: await vmPlaces(config) },
    bootTimeoutMs: timeoutSeconds === undefined ? bootTimeoutMs(config, subject) : timeoutSeconds * 1000,
  };
}
