import { hideSecret } from "../log.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";

/**
 * The crypt(3) hash of a profile's password (SHA-512), its own hash where it has one, undefined when it has neither.
 * Hash and password are kept out of the log from here on.
 *
 * @param salt up to 16 letters, digits, `.` and `/`, for a hash that is the same every time; random when left out
 */
export async function hashPassword(profile: ResolvedProfile, salt?: string): Promise<string | undefined> {
  hideSecret(profile.password);
  let hash = profile.passwordHash;
  if (hash === undefined && profile.password !== undefined) {
    const { encrypt } = await import("unixcrypt");
    hash = encrypt(profile.password, salt === undefined ? undefined : `$6$${salt}`);
  }
  hideSecret(hash);
  return hash;
}
