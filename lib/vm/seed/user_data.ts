import { UsageError } from "../../errors.ts";
import { parseYaml } from "../../config/yaml.ts";

// How cloud-init tells the formats apart: by what they begin with, whatever the case; a longer one comes first.
// https://docs.cloud-init.io/en/latest/explanation/format.html
const formats: readonly (readonly [beginning: string, type: string])[] = [
  ["#cloud-config-archive", "text/cloud-config-archive"],
  ["#cloud-config-jsonp", "text/cloud-config-jsonp"],
  ["#cloud-config", "text/cloud-config"],
  ["#cloud-boothook", "text/cloud-boothook"],
  ["#part-handler", "text/part-handler"],
  ["#include-once", "text/x-include-once-url"],
  ["#include", "text/x-include-url"],
  ["#!", "text/x-shellscript"],
  ["## template: jinja", "text/jinja2"],
];

/** The MIME type of user-data; `message` when it is a MIME message itself, undefined when cloud-init would not know it. */
export function userDataType(text: string): string | undefined {
  // Blanks before it are skipped, a byte order mark is not.
  const start = text.replace(/^[^\S\ufeff]+/, "").toLowerCase();
  const known = formats.find(([beginning]) => start.startsWith(beginning));
  if (known !== undefined) return known[1];
  // cloud-init looks for this header in so many bytes, and only for this.
  const isMessage = /^(content-type|mime-version):/.test(start) &&
    start.slice(0, 4096).includes("mime-version:");
  return isMessage ? "message" : undefined;
}

/** Checks user-data as far as that is possible before cloud-init reads it; throws {@linkcode UsageError}. */
export function checkUserData(text: string, file: string): void {
  const type = userDataType(text);
  if (type === undefined) throw unknownFormat(text, file);
  if (type !== "text/cloud-config" && type !== "text/cloud-config-archive") return;
  const { value } = parseYaml(text, file, { version: "1.1" });
  if (type === "text/cloud-config-archive") {
    if (Array.isArray(value)) return;
    throw new UsageError(`${file} begins with #cloud-config-archive, so it must be a YAML list`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UsageError(
      `${file} begins with #cloud-config, so it must be a YAML map such as "packages: [git]"`,
    );
  }
  // Some versions of cloud-init fail on a file of nothing but comments, and the guest gets no network.
  if (text.split(/\r?\n/).every((line) => /^\s*(#.*|---)?$/.test(line))) {
    throw new UsageError(`${file} says nothing: there are only comments in it`, {
      hint: "Leave out --user-data, or write {} below #cloud-config.",
    });
  }
}

function unknownFormat(text: string, file: string): UsageError {
  if (/^\s*content-type:/i.test(text)) {
    return new UsageError(`${file} is no MIME message for cloud-init: the line MIME-Version is missing`, {
      hint: "Add a line below the first: MIME-Version: 1.0",
    });
  }
  if (text.startsWith("\ufeff")) {
    return new UsageError(`${file} begins with a byte order mark, which cloud-init does not understand`, {
      hint: "Save it as UTF-8 without BOM.",
    });
  }
  return new UsageError(`${file} is no user-data: its first line is none that cloud-init knows`, {
    hint: "Begin it with #cloud-config (YAML settings) or #!/bin/sh (a script run once).",
  });
}
