import type { Socket } from "node:net";
import { checkAuth } from "./auth.ts";
import { SshError } from "./errors.ts";
import { execOn, type ExecOptions, type ExecResult } from "./exec.ts";
import type { Limits, Link } from "./link.ts";
import { type Login, login, type LoginOptions } from "./login.ts";
import { connectToBanner } from "./socket.ts";
import { openSftpSession, type SftpSession } from "./sftp.ts";
import { type UploadOptions, uploadOver } from "./upload.ts";
import type { UploadContent } from "./write_file.ts";

/** A logged-in SSH connection, closed when disposed of. */
export interface SshSession extends AsyncDisposable {
  readonly username: string;
  readonly authenticatedBy: "key" | "password";
  /** Fingerprint of the server's host key: `SHA256:…`. */
  readonly hostKey: string;
  /** That key as known_hosts has it: "ssh-ed25519 AAAA…". */
  readonly hostPublicKey: string;
  /** Runs a command in the user's shell; any exit status is a result. Throws {@linkcode SshError}. */
  exec(command: string, options?: ExecOptions): Promise<ExecResult>;
  /** Writes a remote file. Throws PimError when the guest refuses, {@linkcode SshError} when it is gone. */
  upload(content: UploadContent, remotePath: string, options?: UploadOptions): Promise<void>;
  /** A channel for files; undefined when the server has none. */
  sftp(limits?: Limits): Promise<SftpSession | undefined>;
  /** Settles when the connection has ended: with the reason, or undefined when it was closed from here. */
  readonly closed: Promise<SshError | undefined>;
}

/** Connects and logs in once. Throws {@linkcode SshError}, whose `kind` says how far it came. */
export async function connectSsh(options: LoginOptions): Promise<SshSession> {
  await checkAuth(options.auth);
  const startedMs = performance.now();
  const socket = await connectToBanner(options);
  const leftMs = Math.max(1, options.timeoutMs - (performance.now() - startedMs));
  return await sessionOver(socket, { ...options, timeoutMs: leftMs });
}

/** Logs in over a socket from {@linkcode connectToBanner}. */
export async function sessionOver(socket: Socket, options: LoginOptions): Promise<SshSession> {
  return makeSession(await login(socket, options), socket, options);
}

// A guest that is being switched off may never answer a goodbye.
const goodbyeMs = 1_000;

function makeSession(made: Login, socket: Socket, options: LoginOptions): SshSession {
  const { client } = made;
  const where = `${options.username}@${options.host}:${options.port}`;
  const listeners = new Set<(error: SshError) => void>();
  const { promise: closed, resolve } = Promise.withResolvers<SshError | undefined>();
  let cause: Error | undefined;
  let lost: SshError | undefined;
  let leaving = false;

  const end = () => {
    if (lost !== undefined) return;
    const why = cause === undefined ? "" : ` (${cause.message})`;
    lost = leaving
      ? new SshError("lost", "the SSH session is closed")
      : new SshError("lost", `the SSH connection was lost${why}`, { cause });
    for (const listener of [...listeners]) listener(lost);
    listeners.clear();
    resolve(leaving ? undefined : lost);
  };
  client.on("error", (error) => cause ??= error);
  // At "end" the guest has said its last word; "close" may come much later.
  client.on("end", end).on("close", end);
  if (socket.destroyed) end();

  const link: Link = {
    client,
    where,
    get lost() {
      return lost;
    },
    onLost(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
  };
  return {
    username: options.username,
    authenticatedBy: made.authenticatedBy,
    hostKey: made.hostKey,
    hostPublicKey: made.hostPublicKey,
    exec: (command, execOptions) => execOn(link, command, execOptions),
    upload: (content, remotePath, uploadOptions) => uploadOver(link, content, remotePath, uploadOptions),
    sftp: (limits) => openSftpSession(link, limits),
    closed,
    async [Symbol.asyncDispose]() {
      if (lost === undefined) {
        leaving = true;
        client.end();
        const timer = setTimeout(end, goodbyeMs);
        await closed;
        clearTimeout(timer);
      }
      socket.destroy();
    },
  };
}
