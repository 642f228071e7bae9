import { join } from "node:path";
import { removeIfThere } from "../../../lib/files.ts";
import { run } from "../../../lib/process.ts";

/** A GnuPG of its own, with keys that tests make. */
export interface Gpg extends AsyncDisposable {
  /** The folder of its keyring. */
  readonly home: string;
  /** Makes a key without a passphrase and returns its fingerprint. */
  makeKey(userId: string, options?: { validFor?: string; madeAt?: string }): Promise<string>;
  /** Adds a subkey that signs from then on, and returns its fingerprint. */
  addSubkey(fingerprint: string): Promise<string>;
  /** Lets a key that was to expire live on. */
  extend(fingerprint: string): Promise<void>;
  revoke(fingerprint: string): Promise<void>;
  /** Signs and returns what gpg writes: `how` is --detach-sign or --clearsign. */
  sign(content: string | Uint8Array, fingerprint: string, ...how: string[]): Promise<Uint8Array>;
  /** The public keys, in binary or with --armor. */
  publicKey(fingerprint: string, ...how: string[]): Promise<Uint8Array>;
}

/** Starts with an empty keyring. */
export async function newGpg(): Promise<Gpg> {
  const home = await Deno.makeTempDir({ prefix: "pim-gpg-" });
  await Deno.chmod(home, 0o700);
  const gpg = (...args: string[]) => run(["gpg", "--homedir", home, "--batch", "--quiet", "--yes", ...args]);
  const file = join(home, "out");
  const fingerprints = async (key: string) => {
    const { stdout } = await gpg("--list-keys", "--with-colons", key);
    return [...stdout.matchAll(/^fpr:+([0-9A-F]+):/gm)].map((match) => match[1] ?? "");
  };
  const noPassphrase = ["--pinentry-mode", "loopback", "--passphrase", ""];
  return {
    home,
    async makeKey(userId, { validFor = "0", madeAt } = {}) {
      const time = madeAt === undefined ? [] : ["--faked-system-time", madeAt];
      await gpg(...time, ...noPassphrase, "--quick-generate-key", userId, "ed25519", "sign", validFor);
      return (await fingerprints(`=${userId}`))[0] ?? "";
    },
    async addSubkey(fingerprint) {
      await gpg(...noPassphrase, "--quick-add-key", fingerprint, "ed25519", "sign", "0");
      return (await fingerprints(fingerprint)).at(-1) ?? "";
    },
    async extend(fingerprint) {
      await gpg(...noPassphrase, "--quick-set-expire", fingerprint, "0");
    },
    async revoke(fingerprint) {
      const text = await Deno.readTextFile(join(home, "openpgp-revocs.d", `${fingerprint}.rev`));
      const certificate = join(home, "revocation");
      // gpg puts a colon there, so that nobody imports it by accident.
      await Deno.writeTextFile(certificate, text.replace(/^:-----/m, "-----"));
      await gpg("--import", certificate);
    },
    async sign(content, fingerprint, ...how) {
      const path = join(home, "content");
      if (typeof content === "string") await Deno.writeTextFile(path, content);
      else await Deno.writeFile(path, content);
      await gpg("--local-user", fingerprint, "--output", file, ...how, path);
      return await Deno.readFile(file);
    },
    async publicKey(fingerprint, ...how) {
      await gpg(...how, "--output", file, "--export", fingerprint);
      return await Deno.readFile(file);
    },
    async [Symbol.asyncDispose]() {
      await run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], { okStatus: [0, 1, 2] });
      await removeIfThere(home);
    },
  };
}
