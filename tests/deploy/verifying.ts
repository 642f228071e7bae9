import type { Verifying } from "../../lib/deploy/verify.ts";
import type { VmPlaces } from "../../lib/vm/places.ts";

/** What an image without a profile is verified with. */
export function verifyingWith(places: VmPlaces, bootTimeoutMs: number): Verifying {
  const subject = { memoryMiB: 64, cpus: 1, guestSshPort: 22, profile: "there is no profile" };
  return { subject, places, bootTimeoutMs };
}
