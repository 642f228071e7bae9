import type { Architecture } from "../../architecture.ts";
import { buildCommand, type PimCommand } from "../command.ts";
import type { PimContext } from "../context.ts";
import { archFlag, jsonFlag, type JsonFlags, off } from "../flags.ts";
import { files, liveOrFile } from "../names.ts";

/** Flags of `pim iso add`. */
export interface AddFlags extends JsonFlags {
  readonly key?: string;
  readonly name?: string;
  readonly checksum?: string;
  readonly checksumUrl?: string;
  readonly signatureUrl?: string;
  readonly signingKey?: readonly string[];
  readonly signingKeyUrl?: string;
  readonly arch?: Architecture;
  readonly filename?: string;
  readonly to?: string;
  readonly yes: boolean;
}

const text = (placeholder: string, brief: string) =>
  ({ kind: "parsed", parse: String, optional: true, placeholder, brief }) as const;

/** `pim iso add` */
export const addCommand: PimCommand = buildCommand<AddFlags, [string?], PimContext>({
  loader: async () => (await import("./add_impl.ts")).add,
  parameters: {
    flags: {
      ...jsonFlag,
      key: text("KEY", "Its key in the catalog (default: from the file name)"),
      name: text("TEXT", "What it is, for people (default: from the file name)"),
      arch: archFlag,
      filename: text("NAME", "Its name in the ISO folder (default: the last part of the URL)"),
      checksum: text("SUM", 'Its checksum, "sha256:…" or "sha512:…", or "none" to use it unverified'),
      checksumUrl: text("URL", "A checksum file such as SHA256SUMS (default: the one beside the ISO)"),
      signatureUrl: text("URL", "The signature of the checksum file; its own URL when it is signed in line"),
      signingKey: {
        kind: "parsed",
        parse: String,
        optional: true,
        variadic: true,
        placeholder: "KEY",
        brief: "Who must have signed: a fingerprint or a key file",
        proposeCompletions: files,
      },
      signingKeyUrl: text("URL", "Where the key with that fingerprint can be fetched"),
      to: text("FILE", "The file in isos.d to write to (default: KEY.yml)"),
      yes: { ...off, brief: "Write the entry without showing it first" },
    },
    aliases: { y: "yes" },
    positional: {
      kind: "tuple",
      parameters: [{
        parse: String,
        optional: true,
        placeholder: "URL",
        brief: "URL or path of the ISO, or a key from `pim iso search`",
        proposeCompletions: liveOrFile("known-isos"),
      }],
    },
  },
  docs: {
    brief: "Add an ISO to the catalog, by its URL or by a name that pim knows",
    fullDescription:
      "Writes an entry into isos.d of the project, or of the user where there is no project. Name, file name, key and\n" +
      "architecture come from the URL, and the checksum from a file beside the ISO (SHA256SUMS, CHECKSUM,\n" +
      "FILE.sha256 and the like). On a terminal pim asks for what is missing; elsewhere that is an error.",
    examples: {
      "pim iso add debian-13-netinst": "One that pim knows",
      "pim iso add https://example.org/x-amd64.iso --checksum-url https://example.org/SHA256SUMS":
        "Any other one",
    },
  },
});
