import type { Verifying } from "../../deploy/verify.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { vmPlaces } from "../../vm/places.ts";
import type { PimContext } from "../context.ts";
import { bootTimeoutMs, subjectOf } from "../verify/subject.ts";

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
