import * as v from "valibot";
import type { Profile, Var } from "./types.ts";

const text = v.string();
const texts = v.array(v.string());
const minutes = v.pipe(v.number(), v.check((value) => value > 0, "more than 0 minutes"));
const line = v.pipe(text, v.regex(/^[^\n\r]*$/, "one line of text"));
const word = v.pipe(text, v.regex(/^\S+$/, "a word without spaces"));
const hostLabel = /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

const anyVar: v.GenericSchema<Var> = v.lazy(() =>
  v.union(
    [v.string(), v.number(), v.boolean(), v.null(), v.array(anyVar), v.record(v.string(), anyVar)],
    "text, a number, true or false, a list or a map",
  )
);

const entries = {
  extends: v.optional(text),
  description: v.optional(line),
  username: v.optional(
    v.pipe(text, v.regex(/^[a-z_][a-z0-9_-]{0,31}$/, "a login name: small letters, digits, - and _")),
  ),
  password: v.optional(v.pipe(line, v.minLength(1, "a password that is not empty"))),
  passwordHash: v.optional(v.pipe(text, v.regex(/^\$[\w-]+\$\S+$/, "a crypt(3) hash such as $6$…"))),
  fullname: v.optional(v.pipe(line, v.regex(/^[^:]*$/, "a name without a colon"))),
  sshAuthorizedKeys: v.optional(v.array(line)),
  rootLogin: v.optional(v.boolean()),
  locale: v.optional(word),
  keyboard: v.optional(word),
  timezone: v.optional(word),
  hostname: v.optional(v.pipe(text, v.regex(hostLabel, "one host name label: letters, digits and dashes"))),
  domain: v.optional(v.pipe(text, v.regex(/^([A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*)?$/, "a DNS domain"))),
  mirrorHost: v.optional(word),
  mirrorPath: v.optional(v.pipe(word, v.startsWith("/", "a path that begins with /"))),
  httpProxy: v.optional(v.pipe(text, v.regex(/^(https?:\/\/\S+)?$/, "a URL such as http://proxy:3128"))),
  partitioning: v.optional(v.strictObject({
    method: v.optional(v.picklist(["regular", "lvm", "crypto"])),
    recipe: v.optional(text),
    disk: v.optional(word),
    filesystem: v.optional(v.picklist(["ext4", "xfs", "btrfs"])),
  })),
  tasksel: v.optional(v.array(line)),
  packages: v.optional(v.array(word)),
  grubDevice: v.optional(word),
  installer: v.optional(v.picklist(["debian", "ubuntu"])),
  iso: v.optional(word),
  architectures: v.optional(v.array(v.picklist(["amd64", "arm64"]))),
  scripts: v.optional(texts),
  answers: v.optional(
    v.union(
      [v.array(line), v.record(v.string(), anyVar)],
      "a list of preseed lines or a map for autoinstall",
    ),
  ),
  build: v.optional(v.strictObject({
    diskSize: v.optional(v.pipe(text, v.regex(/^\d+(\.\d+)?\s*[KMGT]?(i?B)?$/i, 'a size such as "20G"'))),
    memoryMiB: v.optional(
      v.pipe(v.number(), v.integer("a whole number of MiB"), v.minValue(64, "64 MiB or more")),
    ),
    cpus: v.optional(v.pipe(v.number(), v.integer("a whole number"), v.minValue(1, "1 or more"))),
    firmware: v.optional(v.picklist(["bios", "uefi"])),
    installTimeoutMinutes: v.optional(minutes),
    sshTimeoutMinutes: v.optional(minutes),
    scriptTimeoutMinutes: v.optional(minutes),
    stallMinutes: v.optional(minutes),
    warm: v.optional(v.boolean()),
    kernelArgs: v.optional(v.array(word)),
    qemuArgs: v.optional(texts),
  })),
  vars: v.optional(v.record(v.string(), anyVar)),
} satisfies Record<keyof Profile, v.GenericSchema>;

/** The shape of a profile module's default export; `types.ts` is what its authors see. */
export const profileSchema = v.strictObject(entries);

/** A profile as it was checked. */
export type CheckedProfile = v.InferOutput<typeof profileSchema>;

// Fails to compile when the schema and the types that authors see drift apart.
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;
const _sameShape: Same<CheckedProfile, Profile> = true;
