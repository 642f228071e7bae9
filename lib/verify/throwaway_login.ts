import { generateKeyPair } from "../ssh/key.ts";

/** A user that exists in one throw-away machine only. */
export interface ThrowawayLogin {
  readonly username: string;
  readonly privateKey: string;
  /** What makes cloud-init create it: user data of the format cloud-config. Holds nothing that is secret. */
  readonly userData: string;
}

/** Makes up a user that may log in with a key, which never leaves memory, and be root by `sudo -n`. */
export async function throwawayLogin(): Promise<ThrowawayLogin> {
  const username = "pim-verify";
  const { privateKey, publicKey } = await generateKeyPair(username);
  const user = {
    ...{ name: username, ssh_authorized_keys: [publicKey], sudo: "ALL=(ALL) NOPASSWD:ALL" },
    ...{ shell: "/bin/sh", lock_passwd: true },
  };
  // The image's own user is made too, as without user data. JSON is YAML.
  return {
    username,
    privateKey,
    userData: `#cloud-config\n${JSON.stringify({ users: ["default", user] })}\n`,
  };
}
