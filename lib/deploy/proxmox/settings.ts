import * as v from "valibot";
import { cpusSetting, memorySetting } from "../machine_settings.ts";
import { nameTemplate } from "../name_template.ts";
import { secretReference } from "../secret.ts";

const text = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));
const word = v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9._-]*$/, "a name of Proxmox VE"));
const port = v.pipe(v.number(), v.integer(), v.minValue(1, "a port from 1 to 65535"), v.maxValue(65535));

const entry = v.strictObject({
  /** How it is reached: the API, or `qm` over SSH for hosts before 8.4. */
  mode: v.optional(v.picklist(["api", "ssh"]), "api"),
  /** Name or address of the host. */
  host: v.pipe(v.string(), v.regex(/^[A-Za-z0-9.:-]+$/, "the name or the address of a host")),
  /** Its port: 8006 for the API and 22 for SSH unless given. */
  port: v.optional(port),
  /** Mode api: a token as `pveum user token add` prints it. */
  token_id: v.optional(
    v.pipe(v.string(), v.regex(/^[^@!\s]+@[\w.-]+![\w.-]+$/, "a token's id: USER@REALM!NAME")),
  ),
  /** Mode api: the token's secret. */
  token: v.optional(secretReference),
  /** Mode api: SHA-256 of the host's certificate. */
  fingerprint: v.optional(
    v.pipe(v.string(), v.regex(/^([0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/, "32 bytes in hexadecimal")),
  ),
  /** Mode api: the file with its authority (/etc/pve/pve-root-ca.pem), in place of a fingerprint. */
  ca_file: v.optional(text),
  /** Mode ssh: whom to log in as. */
  username: v.optional(v.pipe(v.string(), v.regex(/^[a-z_][a-z0-9_-]*$/, "a user name"))),
  /** Mode ssh: a private key without passphrase. */
  key: v.optional(secretReference),
  /** Mode ssh: the host's own key as `ssh-keygen -l` prints it. */
  host_key: v.optional(v.pipe(v.string(), v.regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, "SHA256:…"))),
  /** Mode ssh: folder for the image on its way. */
  upload_dir: v.optional(v.pipe(v.string(), v.regex(/^\/[\w./-]*$/, "an absolute path")), "/var/tmp"),
  /** Node of the cluster; mode ssh: the host itself. */
  node: v.optional(word),
  /** Where the template's disks will be. */
  storage: word,
  /** Mode api: a storage with the content type import, for the image on its way. */
  import_storage: v.optional(word, "local"),
  /** Number of the template; the next one that is free unless given. */
  vmid: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(100, "100 or more"), v.maxValue(999_999_999)),
  ),
  /** Resource pool that the template belongs to. */
  pool: v.optional(word),
  /** Bridge of its network card. */
  bridge: v.optional(word, "vmbr0"),
  /** CPU model. EL 9 and others do not run on kvm64, which the API would take. */
  cpu: v.optional(text, "x86-64-v2-AES"),
  /** Processors of the template. */
  cpus: cpusSetting,
  /** Memory of the template. */
  memory: memorySetting,
  /** Whether it has a cloud-init drive. */
  cloud_init: v.optional(v.boolean(), true),
  /** Tags of the template. */
  tags: v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9_][a-z0-9_+.-]*$/, "a tag"))), []),
  /** Name of the template. */
  name: nameTemplate,
});

type Entry = v.InferOutput<typeof entry>;

const needs = { api: ["token_id", "token", "node"], ssh: ["key", "host_key"] } as const;
const refuses = {
  api: ["username", "key", "host_key"],
  ssh: ["token_id", "token", "fingerprint", "ca_file"],
} as const;

/** The shape of an entry of type proxmox. */
export const proxmoxSchema = v.pipe(
  entry,
  v.rawCheck(({ dataset, addIssue }) => {
    // Also where single settings are wrong: all problems are told together.
    const value = dataset.value as Partial<Entry>;
    if (value.mode !== "api" && value.mode !== "ssh") return;
    const wrong = (key: keyof Entry, message: string, received?: string) =>
      addIssue({
        message,
        ...(received !== undefined && { received }),
        path: [{ type: "object", origin: "value", input: value, key, value: value[key] }],
      });
    for (const key of needs[value.mode]) {
      if (value[key] === undefined) wrong(key, `needed in mode ${value.mode}`, "undefined");
    }
    for (const key of refuses[value.mode]) {
      if (value[key] !== undefined) wrong(key, `left out in mode ${value.mode}`, "set");
    }
    if (value.fingerprint !== undefined && value.ca_file !== undefined) {
      wrong("ca_file", "left out where there is a fingerprint", "set");
    }
  }),
);

/** An entry of type proxmox. */
export type ProxmoxSettings = Entry;
