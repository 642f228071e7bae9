import { join } from "node:path";
import { PimError } from "../../errors.ts";
import { writeFileAtomic } from "../../files.ts";
import { lastLines } from "../../lines.ts";
import { log } from "../../log.ts";
import { pipe, ProcessError, which } from "../../process.ts";
import { SshError } from "../../ssh/errors.ts";
import { configPath, shellQuote } from "../../ssh/quote.ts";
import { pieces } from "../../ssh/write_file.ts";
import type { Connection } from "./connection.ts";
import { runScript } from "./remote_commands.ts";

/** The keys that OpenSSH's client can log in with. */
export interface OpenSshKeys {
  /** Private keys. */
  readonly files: readonly string[];
  /** The socket of an ssh-agent. */
  readonly agent?: string;
}

/** How OpenSSH's client logs in to a host whose key is known. */
export interface OpenSshLogin extends OpenSshKeys {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** The host's key as known_hosts has it: "ssh-ed25519 AAAA…". */
  readonly hostPublicKey: string;
}

// The name by which the host's key stands in a file that has no other.
const hostAlias = "target";
const blockBytes = 256 * 1024;

/** The argv of an `ssh` that goes the way that pim went: by this key of the host, with these keys, whatever ssh_config says. */
export function openSshArgs(
  { host, port, username, files, agent }: OpenSshLogin,
  knownHostsFile: string,
  command: string,
): string[] {
  const settings = {
    BatchMode: "yes",
    HostKeyAlias: hostAlias,
    UserKnownHostsFile: configPath(knownHostsFile),
    GlobalKnownHostsFile: "/dev/null",
    StrictHostKeyChecking: "yes",
    IdentitiesOnly: agent === undefined ? "yes" : "no",
    PreferredAuthentications: "publickey",
    // Before OpenSSH 10 it is not the first choice, though processors do most of its work.
    Ciphers: "^aes128-gcm@openssh.com",
    ConnectTimeout: "30",
    ServerAliveInterval: "6",
    ServerAliveCountMax: "10",
    LogLevel: "ERROR",
  };
  return [
    ...["ssh", "-F", "none", "-T"],
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...files.flatMap((path) => ["-i", path.replaceAll("%", "%%")]),
    ...["-p", String(port), "-l", username, "--", host, command],
  ];
}

/** The rest of a file that is to be sent. */
export interface Rest {
  readonly source: string;
  readonly part: string;
  /** How much is there already. */
  readonly from: number;
  /** A folder for files of a moment. */
  readonly workDir: string;
  readonly signal: AbortSignal;
  onProgress(bytes: number): void;
}

/**
 * Sends the rest of a file through OpenSSH's client, which encrypts twice as fast as pim can. False where that cannot be
 * and nothing was sent: without that program, where it cannot log in, or where the far side has no shell. Throws
 * SshError when the connection is lost, and PimError when the far side cannot write.
 */
export async function sendThroughOpenSsh(connection: Connection, rest: Rest): Promise<boolean> {
  const { openSsh, sftp } = connection;
  const { part, from, workDir, signal } = rest;
  if (openSsh === undefined || await which("ssh") === undefined) return false;
  const file = shellQuote(part);
  // Asked first: what is no shell could take the image for commands.
  const ask = `${from === 0 ? ": >" : "test -w"} ${file} && chmod 644 ${file}`;
  if ((await runScript(connection, ask, { signal }))?.code !== 0) return false;
  const knownHosts = join(workDir, "known_hosts");
  await writeFileAtomic(knownHosts, `${hostAlias} ${openSsh.hostPublicKey}\n`);
  // At its place rather than at the end: what a killed run has left on its way may still arrive.
  const blocks = Math.floor(from / blockBytes);
  const write = `exec dd of=${file} bs=${blockBytes} seek=${blocks} conv=notrunc`;
  try {
    await pipe(openSshArgs(openSsh, knownHosts, `exec sh -c ${shellQuote(write)}`), {
      ...{ stdin: counted(rest, blocks * blockBytes), signal },
      ...(openSsh.agent !== undefined && { env: { SSH_AUTH_SOCK: openSsh.agent } }),
    });
    return true;
  } catch (error) {
    if (!(error instanceof ProcessError)) throw error;
    const there = (await sftp.stat(part))?.bytes ?? 0;
    if (there > from) throw failure(error, rest);
    log.debug(`ssh could not send it, so pim does: ${reasonIn(error)}`);
    return false;
  }
}

/** What ssh or dd said last; dd also counts what it has copied. */
function reasonIn({ stderr }: ProcessError): string {
  return lastLines(stderr.replaceAll(/^\d.*$/gm, ""), 1);
}

/** ssh's own failures are 255 or a signal; others are those of the command. */
function failure(error: ProcessError, { part }: Rest): PimError {
  const why = reasonIn(error);
  return error.status === 255 || typeof error.status === "string"
    ? new SshError("lost", `the SSH connection was lost (${why})`, { cause: error })
    : new PimError(`upload of ${part}: ${why}`, { cause: error });
}

async function* counted({ source, onProgress }: Rest, from: number): AsyncGenerator<Uint8Array> {
  let sent = from;
  for await (const piece of pieces({ path: source }, { size: 1024 * 1024, from, fleeting: true })) {
    yield piece;
    onProgress(sent += piece.length);
  }
}
