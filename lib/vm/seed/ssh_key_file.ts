import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { missingFile } from "../../missing_file.ts";
import { readTextIfThere } from "../../files.ts";
import { formatArgv } from "../../process.ts";
import { isPrivateKey, parsePublicKeys } from "../../ssh/public_key.ts";

/** Keys that may log in to a VM. */
export interface SshKeys {
  /** Lines as in authorized_keys. */
  readonly publicKeys: readonly string[];
  /** The absolute path of the private key that belongs to them, if it lies there. */
  readonly privateKeyFile?: string;
}

/**
 * Reads the file of `--ssh-key`: public keys, or a private key with its public half beside it as FILE.pub.
 * The private key itself is never handed on. Throws {@linkcode UsageError}.
 */
export async function readSshKeys(file: string): Promise<SshKeys> {
  const text = await readTextIfThere(file);
  if (text === undefined) throw await missingFile(file);
  if (isPrivateKey(text)) {
    const beside = `${file}.pub`;
    const publicText = await readTextIfThere(beside);
    if (publicText === undefined) throw noPublicHalf(file, text);
    return { publicKeys: publicKeysOf(publicText, beside), privateKeyFile: resolve(file) };
  }
  const publicKeys = publicKeysOf(text, file);
  const stem = file.endsWith(".pub") ? file.slice(0, -".pub".length) : undefined;
  // A private key that may not be read is of no use, and no reason to fail.
  const privateText = stem === undefined ? undefined : await readTextIfThere(stem).catch(() => undefined);
  if (stem === undefined || privateText === undefined || !isPrivateKey(privateText)) return { publicKeys };
  return { publicKeys, privateKeyFile: resolve(stem) };
}

function publicKeysOf(text: string, file: string): readonly string[] {
  if (isPrivateKey(text)) throw new UsageError(`${file} should be a public key, but it is a private one`);
  if (text.includes("---- BEGIN SSH2 PUBLIC KEY ----")) {
    throw new UsageError(`${file} is a public key in the format of RFC 4716, not of OpenSSH`, {
      hint: `Convert it with: ${formatArgv(["ssh-keygen", "-i", "-f", file])}`,
    });
  }
  return parsePublicKeys(text, file);
}

function noPublicHalf(file: string, text: string): UsageError {
  const message = `${file} is a private key, and its public half is not beside it as ${file}.pub`;
  const make = `${formatArgv(["ssh-keygen", "-y", "-f", file])} > ${formatArgv([`${file}.pub`])}`;
  const hint = text.includes("PuTTY-User-Key-File")
    ? `It is in PuTTY's format; convert it with: ${
      formatArgv(["puttygen", file, "-O", "private-openssh", "-o", `${file}.key`])
    }`
    : `Make it with: ${make}`;
  return new UsageError(message, { hint });
}
