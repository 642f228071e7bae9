import * as v from "valibot";
import { diskFormats } from "../formats.ts";
import { nameTemplate } from "../name_template.ts";
import { secretReference } from "../secret.ts";

const text = v.pipe(v.string(), v.nonEmpty("a text that is not empty"));

/** The shape of a target that is reached over SSH. */
export const sshSchema = v.strictObject({
  /** Name or address of the host. */
  host: text,
  /** Port of its SSH server. */
  port: v.optional(
    v.pipe(
      v.number(),
      v.integer("a port from 1 to 65535"),
      v.minValue(1, "a port from 1 to 65535"),
      v.maxValue(65535, "a port from 1 to 65535"),
    ),
    22,
  ),
  /** Whom to log in as; the user of this host unless given. */
  username: v.optional(text),
  /** The private key; those of the agent and of ~/.ssh unless a key or a password is given. */
  key: v.optional(secretReference),
  /** The user's password. */
  password: v.optional(secretReference),
  /** The only key of the host to accept; what known_hosts says unless given. */
  host_key: v.optional(
    v.pipe(v.string(), v.regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/, "SHA256:… as `ssh-keygen -l` prints it")),
  ),
  /** The file to look for the host's key in, before the usual ones. */
  known_hosts: v.optional(text),
  /** Folder there; relative to the user's home. */
  path: v.pipe(
    text,
    // As shells write that home, of which SFTP knows nothing.
    v.transform((path) => path.replace(/^~(?=\/|$)/, ".")),
  ),
  /** Format of the file; vmdk is stream-optimised, as ESXi and clouds import it. */
  format: v.optional(v.picklist(diskFormats), "qcow2"),
  /** Whether a qcow2 is compressed. */
  compress: v.optional(v.boolean(), true),
  /** Whose qemu-img makes another format of it. */
  convert: v.optional(v.picklist(["local", "remote"]), "local"),
  /** Name of the file without its ending. */
  name: nameTemplate,
});

/** The settings of a target that is reached over SSH. */
export type SshSettings = v.InferOutput<typeof sshSchema>;
