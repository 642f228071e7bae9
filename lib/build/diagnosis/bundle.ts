import { join } from "node:path";
import { messageOf } from "../../errors.ts";
import { removeIfThere, writeFileAtomic } from "../../files.ts";
import { log, redact } from "../../log.ts";
import { writeAllSync } from "../../output.ts";
import type { Answers } from "../../serve/answers.ts";
import type { KeyPair } from "../../ssh/key.ts";
import type { WorkspaceFiles } from "../workspace.ts";
import { notesOf } from "./notes.ts";
import { DiagnosedError } from "./reason.ts";
import { reasonOf } from "./reason_of.ts";
import { redactAnswer } from "./redact_answer.ts";

/** What reason.json tells beside the reason itself. */
export interface FailedBuild {
  readonly build: string;
  readonly profile: string;
  readonly step: string;
  readonly elapsedMs: number;
}

// The reason, the last lines of the logs and a picture.
const reserveBytes = 256 * 1024;

/** Sets some room aside for {@linkcode writeReason}. */
export async function reserveRoom({ reserve }: WorkspaceFiles): Promise<void> {
  // Where there is none left the build fails soon enough, and says so itself.
  await Deno.writeFile(reserve, new Uint8Array(reserveBytes), { mode: 0o600 }).catch(() => {});
}

/** Writes reason.json: why a build failed, and what that was concluded from. */
export async function writeReason(files: WorkspaceFiles, failed: FailedBuild, cause: unknown): Promise<void> {
  await removeIfThere(files.reserve);
  const { code, summary, hint, exitCode } = reasonOf(cause);
  const evidence = cause instanceof DiagnosedError ? cause.evidence : undefined;
  const report = {
    version: 1,
    code,
    summary,
    ...(hint !== undefined && { hint }),
    ...failed,
    exitCode,
    time: new Date().toISOString(),
    notes: evidence === undefined ? [] : notesOf(evidence),
    ...(evidence !== undefined && { evidence }),
  };
  await writeFileAtomic(files.reason, `${JSON.stringify(redactDeep(report), null, 2)}\n`, { mode: 0o600 });
}

/** A copy in which every text is free of secrets. Text by text: a quote inside a secret is escaped in JSON. */
function redactDeep(value: unknown): unknown {
  if (typeof value === "string") return redact(value);
  if (Array.isArray(value)) return value.map(redactDeep);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redactDeep(each)]));
}

/** Keeps the answer files as they are served, without their secrets. */
export async function keepAnswers(folder: string, answers: Answers): Promise<void> {
  await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [path, { body }] of answers) {
    await Deno.writeTextFile(join(folder, path.slice(1)), redactAnswer(body), { mode: 0o600 });
  }
}

/** Keeps the private key of the build, for whoever looks into the disk of a failed one. */
export async function keepBuildKey(files: WorkspaceFiles, key: KeyPair): Promise<void> {
  await Deno.writeTextFile(files.buildKey, key.privateKey, { mode: 0o600 });
}

/**
 * Appends lines to a log of the build as they come. One that cannot be written any more (a full disk) is told of once
 * and ends: whoever tells it something has other work to do.
 */
export function openLog(path: string): ((line: string) => void) & Disposable {
  const file = Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  const encoder = new TextEncoder();
  let open = true;
  const close = () => {
    if (open) file.close();
    open = false;
  };
  const write = (line: string) => {
    if (!open) return;
    try {
      writeAllSync(file, encoder.encode(`${new Date().toISOString()} ${redact(line)}\n`));
    } catch (error) {
      close();
      log.warn(`The build goes on, but ${path} can no longer be written: ${messageOf(error)}`);
    }
  };
  return Object.assign(write, { [Symbol.dispose]: close });
}
