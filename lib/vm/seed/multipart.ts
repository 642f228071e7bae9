import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** A part of a message. */
export interface MessagePart {
  /** Its MIME type; `message` when the text is a MIME message with headers of its own. */
  readonly type: string;
  /** A file name, which cloud-init uses in its logs and for scripts. */
  readonly name: string;
  readonly text: string;
}

/** A MIME message of several parts (RFC 2046 5.1), which cloud-init takes as user-data. */
export function multipart(parts: readonly MessagePart[]): string {
  // A hash of the parts cannot be in one of them.
  const hash = createHash("sha256").update(JSON.stringify(parts)).digest("hex");
  const boundary = `==pim-${hash.slice(0, 32)}==`;
  return [
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    "MIME-Version: 1.0",
    "",
    ...parts.flatMap((part) => [`--${boundary}`, formatPart(part)]),
    `--${boundary}--`,
    "",
  ].join("\n");
}

function formatPart({ type, name, text }: MessagePart): string {
  // A message is a part as it is: its headers become those of the part.
  if (type === "message") return text.trimStart();
  const encoded = Buffer.from(text).toString("base64").match(/.{1,76}/g) ?? [];
  return [
    `Content-Type: ${type}; charset="utf-8"`,
    "MIME-Version: 1.0",
    "Content-Transfer-Encoding: base64",
    `Content-Disposition: attachment; filename="${name}"`,
    "",
    ...encoded,
  ].join("\n");
}
