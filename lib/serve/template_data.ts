import type { Architecture } from "../architecture.ts";
import { UsageError } from "../errors.ts";
import { serialDevice } from "../installer/kernel_line.ts";
import { buildKeyComment } from "../profile/build_key.ts";
import type { ResolvedProfile } from "../profile/resolved.ts";
import { hashPassword } from "./password.ts";

export { buildKeyComment };

/** What answer files are rendered from. */
export interface AnswerSource {
  readonly profile: ResolvedProfile;
  readonly architecture: Architecture;
  /** Base URL of the seed server as the guest reaches it, without a slash at its end. */
  readonly baseUrl: string;
  /** The public key that the build logs in with: a line as in authorized_keys. */
  readonly buildKey?: string;
  /** Salt of the password hash, for tests and cache keys; random when left out. */
  readonly salt?: string;
}

/** `it` in the templates of answer files: the profile without its password, and what is listed here. */
export interface TemplateData extends Omit<ResolvedProfile, "password"> {
  /** crypt(3) hash of the password; undefined when the profile has none, which leaves the account without one. */
  readonly passwordHash: string | undefined;
  readonly baseUrl: string;
  readonly installUrl: string;
  /** The build's public key with the comment `pim-build-key`, or empty outside a build. */
  readonly buildKey: string;
  readonly arch: Architecture;
  /** Name of the first serial device: ttyS0 or ttyAMA0. */
  readonly serialDevice: string;
  /** Any value as JSON, which is YAML too. */
  json(value: unknown): string;
  /** A text as one word of a POSIX shell. */
  shell(value: string): string;
}

/** Builds `it`. Every optional field is there, undefined where the profile says nothing, so that it can be tested. */
export async function templateData(source: AnswerSource): Promise<TemplateData> {
  const { profile, architecture, baseUrl } = source;
  const { password: _password, ...rest } = profile;
  checkLines(rest);
  return {
    ...rest,
    passwordHash: await hashPassword(profile, source.salt),
    baseUrl,
    installUrl: `${baseUrl}/install.sh`,
    buildKey: buildKeyLine(source.buildKey),
    arch: architecture,
    serialDevice: serialDevice(architecture),
    json: (value) => json(value),
    shell,
  };
}

/** A value as JSON that readers of YAML 1.1 take for the same. */
export function json(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent) as string | undefined;
  if (text === undefined) throw new TypeError("it.json was given nothing");
  // YAML 1.1 readers take these for line ends.
  return text.replaceAll(
    /[\u0085\u2028\u2029\u007f-\u009f]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function shell(value: string): string {
  if (typeof value !== "string") throw new TypeError("it.shell takes a text");
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

/** Type and key of a public key line, with the comment by which it is found again. */
function buildKeyLine(line = ""): string {
  const [type, key] = line.trim().split(/\s+/);
  return type && key ? `${type} ${key} ${buildKeyComment}` : "";
}

/** Answer files are made of lines: a control character in a value would start a line of its own. */
function checkLines(profile: Omit<ResolvedProfile, "password">): void {
  const { answers: _answers, vars: _vars, partitioning, ...fields } = profile;
  const { recipe: _recipe, ...disk } = partitioning;
  for (const [field, value] of Object.entries({ ...fields, ...disk })) {
    for (const text of Array.isArray(value) ? value : [value]) {
      // deno-lint-ignore no-control-regex
      if (typeof text === "string" && /[\x00-\x1f\x7f]|\\$/.test(text)) {
        throw new UsageError(
          `Profile ${profile.name}: ${field} cannot hold a line break or control character, or end in a backslash`,
        );
      }
    }
  }
}
