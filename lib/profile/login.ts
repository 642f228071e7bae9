import type { Profile } from "./types.ts";

/** What to know of a profile by which nobody could log in; undefined when somebody can. */
export function loginWarning(
  name: string,
  profile: Pick<Profile, "password" | "passwordHash"> & { readonly sshAuthorizedKeys?: readonly string[] },
): string | undefined {
  const { password, passwordHash, sshAuthorizedKeys: keys = [] } = profile;
  // What is for all profiles may leave that to each.
  if (name === "default") return undefined;
  if (password || passwordHash || keys.length > 0) return undefined;
  return `${name} has neither a key nor a password: nobody will be able to log in\n` +
    "hint: Give it sshAuthorizedKeys or a password, or give each VM a key: " +
    `pim run ${name} --ssh-key FILE.pub`;
}
