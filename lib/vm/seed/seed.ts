import { createHash } from "node:crypto";
import { messageOf, UsageError } from "../../errors.ts";
import { missingFile } from "../../missing_file.ts";
import { writeFileAtomic } from "../../files.ts";
import { isoImage } from "../../iso/iso9660/write.ts";
import { cloudConfig, keysAlone, keysBeside } from "./key_config.ts";
import { multipart } from "./multipart.ts";
import { readSshKeys } from "./ssh_key_file.ts";
import { checkUserData, userDataType } from "./user_data.ts";

/** What a person gave for a seed, read and checked. */
export interface SeedSource {
  readonly userData?: string;
  /** Public keys, as in authorized_keys. */
  readonly sshKeys: readonly string[];
  /** The absolute path of the private key that belongs to them, if it is there. */
  readonly privateKeyFile?: string;
}

/** What a seed is to say. */
export interface SeedContent {
  readonly vmName: string;
  /** The user of the image, where it is known. */
  readonly username?: string;
  readonly userData?: string;
  readonly sshKeys: readonly string[];
}

/** The files of a seed for cloud-init's NoCloud. */
export type SeedFiles = Readonly<Record<"meta-data" | "user-data", string>>;

// Far more than clouds allow (16 KiB), far less than would be a mistake.
const maxUserDataBytes = 1024 * 1024;

/** Reads the files of `--user-data` and `--ssh-key`; throws {@linkcode UsageError} for what cloud-init could not use. */
export async function readSeedSource(
  files: { readonly userDataFile?: string; readonly sshKeyFile?: string },
): Promise<SeedSource> {
  const { userDataFile, sshKeyFile } = files;
  const userData = userDataFile === undefined ? undefined : await readUserData(userDataFile);
  const keys = sshKeyFile === undefined ? undefined : await readSshKeys(sshKeyFile);
  return {
    ...(userData !== undefined && { userData }),
    sshKeys: keys?.publicKeys ?? [],
    ...(keys?.privateKeyFile !== undefined && { privateKeyFile: keys.privateKeyFile }),
  };
}

async function readUserData(file: string): Promise<string> {
  const bytes = await readBytes(file);
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${file} is no UTF-8 text`, { hint: "Unpack it if it is compressed.", cause });
  }
  checkUserData(text, file);
  return text;
}

async function readBytes(file: string): Promise<Uint8Array> {
  let bytes: number;
  try {
    // Asked first, so that a disk image given by mistake is not read; a pipe has no size before it is read.
    bytes = (await Deno.stat(file)).size;
    if (bytes <= maxUserDataBytes) {
      const content = await Deno.readFile(file);
      if (content.length <= maxUserDataBytes) return content;
      bytes = content.length;
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) throw await missingFile(file, { cause });
    throw new UsageError(`Cannot read ${file}: ${messageOf(cause)}`, { cause });
  }
  throw new UsageError(`${file} has ${bytes} bytes; user-data may have ${maxUserDataBytes}`, {
    hint: "Copy what is large into the guest with pim cp, or let the guest fetch it.",
  });
}

/** The files of a seed. Its instance-id changes with its content, so that cloud-init applies a changed seed again. */
export function seedFiles(content: SeedContent): SeedFiles {
  const userData = userDataOf(content);
  const hostname = hostnameOf(content.vmName);
  const hash = createHash("sha256").update(`${hostname}\n${userData}`).digest("hex").slice(0, 12);
  // In quotes: without, a name such as 007 or yes would not be a text in YAML.
  const metaData = { "instance-id": `${content.vmName}-${hash}`, "local-hostname": hostname };
  return {
    "meta-data": Object.entries(metaData).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`).join(
      "",
    ),
    "user-data": userData,
  };
}

/** Writes a seed as an ISO with the label that cloud-init looks for; only its owner may read it. */
export async function writeSeed(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  const image = isoImage({
    volume: "cidata",
    files: Object.entries(files).map(([name, content]) => ({ name, content })),
    created: new Date(),
  });
  await writeFileAtomic(path, image, { mode: 0o600 });
}

/** A host name (RFC 1123) like a VM's name; its dots would make a domain of it. */
function hostnameOf(vmName: string): string {
  return vmName.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-").slice(0, 63).replaceAll(/^-|-$/g, "");
}

function userDataOf({ username, userData, sshKeys }: SeedContent): string {
  if (userData === undefined) {
    // An empty map rather than nothing: cloud-init 24.4 of Enterprise Linux 9 fails on a file of one comment.
    return cloudConfig(sshKeys.length === 0 ? {} : keysAlone(username, sshKeys));
  }
  if (sshKeys.length === 0) return userData;
  return multipart([
    { type: userDataType(userData) ?? "text/plain", name: "user-data", text: userData },
    keysBeside(userData, username, sshKeys),
  ]);
}
