import { exitCode, PimError } from "../../errors.ts";
import { lastLines, lineSplitter } from "../../lines.ts";
import type { ResolvedProfile } from "../../profile/resolved.ts";
import { SshError } from "../../ssh/errors.ts";
import { shellQuote } from "../../ssh/quote.ts";
import type { SshSession } from "../../ssh/session.ts";
import { findRootWay, knownRootWay, type RootWay } from "./root.ts";

/** Folder in the home of the build's user where scripts are put; finalize removes it. */
export const guestFolder = ".pim-build";

/** A script to run as root in the guest. */
export interface GuestScript {
  readonly name: string;
  readonly content: string | Uint8Array;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

/** A provisioning script that ended with another status than 0, or did not end in time. */
export class ScriptError extends PimError {
  override readonly name = "ScriptError";

  constructor(
    readonly script: string,
    readonly status: number | string,
    /** The last lines that it wrote. */
    readonly lines: readonly string[],
    readonly timedOut: boolean,
  ) {
    const how = typeof status === "number" ? `exited with ${status}` : status;
    const said = lines.length === 0
      ? " and wrote nothing"
      : `. Its last lines:\n${lines.map((line) => `  | ${line}`).join("\n")}`;
    super(`The script ${script} ${how}${said}`, { exitCode: exitCode.provisioning });
  }
}

/** Uploads a script and runs it as root; throws {@linkcode ScriptError} when it fails or takes too long. */
export async function runGuestScript(
  ssh: SshSession,
  profile: ResolvedProfile,
  script: GuestScript,
): Promise<void> {
  const { signal } = script;
  const at = `${guestFolder}/${script.name}`;
  await writeVariables(ssh, `${at}.env`, script);
  await ssh.upload(script.content, at, { mode: 0o700, signal });
  const way = await knownRootWay(ssh, profile, signal);
  if (await runAs(way, ssh, at, script) !== "refused") return;
  // An earlier script has changed who may become root; this one has not run.
  if (await runAs(await findRootWay(ssh, profile, signal), ssh, at, script) !== "refused") return;
  throw new PimError(`sudo refuses to run the script ${script.name}`, { exitCode: exitCode.provisioning });
}

/** Values travel in a file, since every user of the guest can read the arguments of a running program. */
async function writeVariables(ssh: SshSession, path: string, { env, signal }: GuestScript): Promise<void> {
  const command = `umask 077 && mkdir -p ${guestFolder} && cat > ${shellQuote(path)}`;
  const { code, stderr } = await ssh.exec(command, { stdin: exportLines(env), signal, timeoutMs: 60_000 });
  if (code !== 0) {
    throw new PimError(`Cannot write to the home of ${ssh.username} in the guest: ${stderr.trim()}`);
  }
}

/** Runs an uploaded script; "refused" when sudo has not let it begin. */
async function runAs(
  way: RootWay,
  ssh: SshSession,
  at: string,
  { name, timeoutMs, signal, onLine }: GuestScript,
): Promise<"done" | "refused"> {
  let kept = "";
  const keep = (line: string) => {
    kept = `${kept}${line}\n`.slice(-8192);
    onLine(line);
  };
  const [stdout, stderr] = [lineSplitter(keep), lineSplitter(keep)];
  const failed = (status: number | string, timedOut = false) =>
    new ScriptError(name, status, lastLines(kept, 15).split("\n").filter(Boolean), timedOut);
  // What sudo was given to read is not the script's, also when sudo did not ask.
  const inner = `. "$1.env" && exec "$1" < /dev/null`;
  try {
    const { code, signal: by } = await ssh.exec(
      `${way.prefix}sh -c ${shellQuote(inner)} sh "$PWD"/${shellQuote(at)}`,
      {
        ...(way.stdin !== undefined && { stdin: way.stdin }),
        onStdout: stdout,
        onStderr: stderr,
        timeoutMs,
        signal,
      },
    );
    stdout.end();
    stderr.end();
    if (code === 0) return "done";
    if (code === 1 && way.prefix !== "" && /^sudo: [^\n]*\n(sudo: [^\n]*\n)*$/.test(kept)) return "refused";
    throw failed(code ?? (by ? `was ended by SIG${by}` : "ended without a status"));
  } catch (error) {
    if (!(error instanceof SshError) || error.kind !== "timeout") throw error;
    stdout.end();
    stderr.end();
    throw failed(`was not done within ${timeoutMs / 60_000} minutes`, true);
  }
}

/** The variables that every script in the guest sees. */
export function scriptEnvironment(profile: ResolvedProfile, architecture: string): Record<string, string> {
  const vars = Object.entries(profile.vars).map(([key, value]) => [
    `PIM_VAR_${key.replace(/\W/g, "_").toUpperCase()}`,
    typeof value === "object" ? JSON.stringify(value) : String(value),
  ]);
  return {
    DEBIAN_FRONTEND: "noninteractive",
    PIM_PROFILE: profile.name,
    PIM_ARCH: architecture,
    PIM_USERNAME: profile.username,
    PIM_HOSTNAME: profile.hostname,
    ...Object.fromEntries(vars),
  };
}

function exportLines(env: Readonly<Record<string, string>>): string {
  return Object.entries(env).map(([name, value]) => `export ${name}=${shellQuote(value)}\n`).join("");
}
