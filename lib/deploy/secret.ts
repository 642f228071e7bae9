import * as v from "valibot";
import { isTree } from "../config/merge.ts";
import { CancelledError, messageOf, UsageError } from "../errors.ts";
import { hideSecret } from "../log.ts";
import { type Environment, writtenPath } from "../paths.ts";
import { run } from "../process.ts";
import type { SecretReference } from "./target.ts";

const shape =
  'a reference such as "$NAME", "file:PATH" or { command: [PROGRAM, ARGUMENT…] }, never the secret itself';

/** A secret in targets.d: only ever a reference to it. What is none is not repeated in the error: it may be the secret. */
export const secretReference: v.GenericSchema<unknown, SecretReference> = v.pipe(
  v.unknown(),
  v.rawTransform(({ dataset: { value }, addIssue, NEVER }) => {
    if (isReference(value)) return value;
    addIssue({ message: shape, received: "what is written there" });
    return NEVER;
  }),
);

function isReference(value: unknown): value is SecretReference {
  if (typeof value === "string") return /^\$\w+$|^file:./.test(value);
  if (!isTree(value) || Object.keys(value).join() !== "command") return false;
  const { command } = value;
  return Array.isArray(command) && command.length > 0 && command.every((word) => typeof word === "string");
}

/** Where references to secrets lead. */
export interface SecretSource {
  readonly env: Environment;
  /** The folder that relative paths start from. */
  readonly baseDir: string;
  readonly signal?: AbortSignal;
}

/**
 * The secret that a reference stands for, without the line end at its end. From now on it is hidden in logs and errors.
 * Throws a UsageError that names the reference.
 */
export async function readSecret(reference: SecretReference, source: SecretSource): Promise<string> {
  const secret = (await lookUp(reference, source)).replace(/\r?\n$/, "");
  if (secret === "") throw new UsageError(`The secret ${nameOf(reference)} is empty`);
  hideSecret(secret);
  return secret;
}

async function lookUp(reference: SecretReference, { env, baseDir, signal }: SecretSource): Promise<string> {
  if (typeof reference !== "string") {
    try {
      // Password stores are told by variables where they are and who asks: VAULT_ADDR, GNUPGHOME, AWS_PROFILE.
      return (await run(reference.command, { signal, wholeEnv: true })).stdout;
    } catch (cause) {
      if (cause instanceof CancelledError) throw cause;
      throw new UsageError(`Cannot get the secret ${nameOf(reference)}: ${messageOf(cause)}`, { cause });
    }
  }
  if (reference.startsWith("$")) {
    const value = env.get(reference.slice(1));
    if (value !== undefined) return value;
    throw new UsageError(`The secret ${reference} is not in the environment`, {
      hint: `Set it: export ${reference.slice(1)}=…`,
    });
  }
  const path = writtenPath(reference.slice("file:".length), baseDir, env);
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw new UsageError(`Cannot read the secret ${reference}: ${messageOf(cause)}`, { cause });
  }
}

function nameOf(reference: SecretReference): string {
  return typeof reference === "string" ? reference : `of the command ${reference.command[0]}`;
}
