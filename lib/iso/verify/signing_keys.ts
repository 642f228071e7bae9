import { Buffer } from "node:buffer";
import { homedir } from "node:os";
import { join } from "node:path";
import { type ConfigFolder, listFolder } from "../../config/folders.ts";
import { messageOf, UsageError } from "../../errors.ts";
import { exists, readBytesIfThere, writeFileAtomic } from "../../files.ts";
import { fetchBytes } from "../../http/get.ts";
import { log } from "../../log.ts";
import { cachedKeyFile, type Paths } from "../../paths.ts";
import { run, which } from "../../process.ts";
import { locationOf } from "../catalog/entry.ts";
import { fingerprintOf, type SignatureRule } from "../catalog/rules.ts";
import type { NetworkOptions } from "./expected.ts";
import { isKeybox, type PublicKey, publicKeysOf } from "./openpgp.ts";

/** Where signing keys are looked for; the configuration is one. */
export interface KeyPlaces {
  /** Folders with a keys.d, nearest first. */
  readonly folders: readonly ConfigFolder[];
  readonly paths: Pick<Paths, "cacheDir">;
  /** Folders of the system's keyrings; the usual ones unless given. */
  readonly systemKeyrings?: readonly string[];
}

/** Keys from one place, for gpgv. */
export interface KeySource {
  /** What a person would call the place. */
  readonly place: string;
  readonly keyrings: readonly string[];
  /** Whether a signature by this key counts. */
  allows(fingerprint: string): boolean;
}

/** How keys are looked for. */
export interface KeySearch {
  readonly rule: SignatureRule;
  readonly places: KeyPlaces | undefined;
  /** A private folder for the keyrings that gpgv gets. */
  readonly workDir: string;
  readonly network: NetworkOptions;
}

const usualKeyrings = ["/usr/share/keyrings", "/etc/apt/trusted.gpg.d"];
const keyFileEnding = /\.(gpg|asc|pgp|kbx)$/;
const maxKeyBytes = 8 * 1024 * 1024;

/** The places on this host that have keys which may sign, nearest first. */
export async function* localKeys(search: KeySearch): AsyncGenerator<KeySource> {
  const { rule, places } = search;
  for (const path of rule.keys.filter((key) => fingerprintOf(key) === undefined)) {
    yield { place: path, keyrings: [await keyFile(path, search)], allows: () => true };
  }
  const wanted = wantedKeys(rule);
  if (wanted.length === 0) return;
  for (const folder of places?.folders ?? []) {
    yield* fromFolder(join(folder.path, "keys.d"), wanted, search);
  }
  for (const folder of places?.systemKeyrings ?? usualKeyrings) yield* fromFolder(folder, wanted, search);
  yield* fromKeys("the keyring of gpg", await exportedKeys(wanted), wanted, search);
  for (
    const path of wanted.flatMap((key) => places === undefined ? [] : [cachedKeyFile(places.paths, key)])
  ) {
    yield* fromKeys(path, keysIn(await readBytesIfThere(path)), wanted, search);
  }
}

/** The keys from signing_key_url, which are kept for the next time; nothing when the entry has none. */
export async function* remoteKeys(search: KeySearch): AsyncGenerator<KeySource> {
  const { rule } = search;
  const wanted = wantedKeys(rule);
  if (rule.keyUrl === undefined || wanted.length === 0) return;
  yield* fromKeys(rule.keyUrl, await fetchedKeys(rule.keyUrl, wanted, search), wanted, search);
}

/** The fingerprints that a rule allows. */
function wantedKeys(rule: SignatureRule): readonly string[] {
  return rule.keys.filter((key) => fingerprintOf(key) !== undefined);
}

/** A key file that the entry names, in a form that gpgv reads. */
async function keyFile(path: string, { workDir }: KeySearch): Promise<string> {
  const bytes = await readBytesIfThere(path);
  if (bytes === undefined) {
    throw new UsageError(`There is no key file ${path}`, { hint: "Correct `signing_key` in isos.d." });
  }
  if (isKeybox(bytes)) return path;
  const keys = publicKeysOf(bytes);
  if (keys.length > 0) return await writeKeyring(keys, workDir);
  throw new UsageError(`The key file ${path} holds no public key`, {
    hint: `Write one with: gpg --export FINGERPRINT > ${path}`,
  });
}

/** File by file: one may have a key that has expired, and the next the same key with a later expiry. */
async function* fromFolder(
  folder: string,
  wanted: readonly string[],
  search: KeySearch,
): AsyncGenerator<KeySource> {
  const unreadable = (error: unknown) => log.debug(`${messageOf(error)}; looking for keys elsewhere`);
  const names = await listFolder({ kind: "user", path: folder }, ".", keyFileEnding).catch(unreadable);
  for (const path of (names ?? []).map((name) => join(folder, name))) {
    const bytes = await readBytesIfThere(path).catch(unreadable) ?? undefined;
    // What is in a keybox only gpgv can tell.
    if (bytes !== undefined && isKeybox(bytes)) yield { place: path, keyrings: [path], ...only(wanted) };
    else yield* fromKeys(path, keysIn(bytes), wanted, search);
  }
}

/** Those of the keys that are wanted, as a source of their own; nothing when it is none. */
async function* fromKeys(
  place: string,
  keys: readonly PublicKey[],
  wanted: readonly string[],
  { workDir }: KeySearch,
): AsyncGenerator<KeySource> {
  const chosen = keys.filter(({ fingerprints }) => fingerprints.some((each) => wanted.includes(each)));
  if (chosen.length > 0) {
    yield { place, keyrings: [await writeKeyring(chosen, workDir)], ...only(wanted) };
  }
}

function only(wanted: readonly string[]): Pick<KeySource, "allows"> {
  return { allows: (fingerprint) => wanted.includes(fingerprint) };
}

function keysIn(bytes: Uint8Array | undefined): readonly PublicKey[] {
  return bytes === undefined ? [] : publicKeysOf(bytes);
}

/** One file for all keys: gpgv gives up on a keyring of which it cannot read a part. */
async function writeKeyring(keys: readonly PublicKey[], workDir: string): Promise<string> {
  const path = join(workDir, `${crypto.randomUUID()}.gpg`);
  await Deno.writeFile(path, bytesOf(keys));
  return path;
}

function bytesOf(keys: readonly PublicKey[]): Uint8Array {
  return Buffer.concat(keys.map(({ bytes }) => bytes));
}

/** The wanted keys that the user's own GnuPG has. */
async function exportedKeys(wanted: readonly string[]): Promise<readonly PublicKey[]> {
  const home = Deno.env.get("GNUPGHOME") ?? join(Deno.env.get("HOME") ?? homedir(), ".gnupg");
  // gpg would make the folder.
  if (!(await exists(home)) || await which("gpg") === undefined) return [];
  const quietly = ["--batch", "--quiet", "--no-autostart", "--no-auto-check-trustdb"];
  const argv = ["gpg", "--homedir", home, ...quietly, "--armor", "--export"];
  const { stdout } = await run([...argv, ...wanted], { okStatus: [0, 1, 2] });
  return publicKeysOf(new TextEncoder().encode(stdout));
}

/** Fetches the wanted keys, and keeps each of them. */
async function fetchedKeys(
  url: string,
  wanted: readonly string[],
  { places, network }: KeySearch,
): Promise<readonly PublicKey[]> {
  const location = locationOf({ url });
  const bytes = location.kind === "http"
    ? await fetchBytes(url, { ...network, maxBytes: maxKeyBytes })
    : await readBytesIfThere(location.path);
  const keys = keysIn(bytes).filter(({ fingerprints }) => fingerprints.some((each) => wanted.includes(each)));
  for (const key of places === undefined ? [] : keys) {
    const name = key.fingerprints.find((each) => wanted.includes(each)) ?? "";
    await writeFileAtomic(cachedKeyFile((places as KeyPlaces).paths, name), key.bytes);
  }
  return keys;
}
