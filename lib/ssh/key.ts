import { PimError } from "../errors.ts";

/** Both halves of a key, in OpenSSH's formats. */
export interface KeyPair {
  /** The text of an unencrypted private key file. */
  readonly privateKey: string;
  /** One line as in authorized_keys, without a newline. */
  readonly publicKey: string;
}

/** Makes a new ed25519 key pair. It is in memory only; the comment ends the public key's line. */
export async function generateKeyPair(comment: string): Promise<KeyPair> {
  // A line break would smuggle a second line into authorized_keys.
  if (/[\r\n]/.test(comment)) throw new PimError("The comment of an SSH key must be one line");
  const { default: ssh2 } = await import("ssh2");
  return await new Promise((resolve, reject) => {
    ssh2.utils.generateKeyPair("ed25519", { comment }, (error, keys) => {
      if (error) reject(new PimError(`Cannot make an SSH key: ${error.message}`, { cause: error }));
      else resolve({ privateKey: keys.private, publicKey: keys.public });
    });
  });
}
