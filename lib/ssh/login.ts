import type { Buffer } from "node:buffer";
import type { Socket } from "node:net";
// @ts-types="@types/ssh2"
import type { CipherAlgorithm, Client } from "ssh2";
import { messageOf } from "../errors.ts";
import { refused, type SshAuth, takeTurns } from "./auth.ts";
import { abortError, SshError } from "./errors.ts";
import { fingerprintOf, hostKeyError, isPinned, preferredAlgorithms, publicKeyLine } from "./host_key.ts";
import type { SshAddress } from "./socket.ts";

/** Whom to log in as, and how. */
export interface LoginOptions extends SshAddress {
  readonly username: string;
  /** Tried in this order. */
  readonly auth: readonly SshAuth[];
  /** The only host keys to accept, as `SHA256:…` (as `ssh-keygen -l` prints it); without it any is accepted, of none none. */
  readonly hostKey?: string | readonly string[];
  /** The types of those keys, for a server that has several: "ssh-ed25519". */
  readonly hostKeyTypes?: readonly string[];
  /** Milliseconds that key exchange and login may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** A connection that is logged in. */
export interface Login {
  readonly client: Client;
  readonly authenticatedBy: "key" | "password";
  /** Fingerprint of the server's host key: `SHA256:…`. */
  readonly hostKey: string;
  /** That key as known_hosts has it: "ssh-ed25519 AAAA…". */
  readonly hostPublicKey: string;
}

// Ten missed answers in a row: a guest under emulation may well be busy for a minute.
const keepaliveIntervalMs = 6_000;
const keepaliveCountMax = 10;

// Deno's AES-GCM, which ssh2 would choose, moves 28 MB/s; its ChaCha20 moves 500.
const ciphers: CipherAlgorithm[] = [
  "chacha20-poly1305@openssh.com",
  "aes128-gcm@openssh.com",
  "aes256-gcm@openssh.com",
  "aes128-ctr",
  "aes192-ctr",
  "aes256-ctr",
];

/** Logs in over a socket that has the server's banner waiting. The socket is destroyed on failure. */
export async function login(socket: Socket, options: LoginOptions): Promise<Login> {
  const { default: ssh2 } = await import("ssh2");
  const turns = takeTurns(options.username, options.auth);
  const client = new ssh2.Client();
  const where = `${options.username}@${options.host}:${options.port}`;
  let hostKey = "";
  let hostPublicKey = "";
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (error: unknown) => {
    reject(error);
    socket.destroy();
  };
  const onAbort = () => fail(abortError(options.signal!));
  const timer = setTimeout(
    () => fail(new SshError("timeout", `No SSH login as ${where} within ${options.timeoutMs / 1000} s`)),
    options.timeoutMs,
  );
  options.signal?.addEventListener("abort", onAbort);
  if (options.signal?.aborted) onAbort();

  const onError = (cause: Error & { level?: string }) => {
    if (hostKey !== "" && !isPinned(hostKey, options.hostKey)) {
      reject(hostKeyError(where, hostKey, options.hostKey!));
    } else if (cause.level === "client-authentication" || (turns.tried.size > 0 && isDisconnect(cause))) {
      reject(refused(where, turns.tried, cause));
    } else {
      const kind = cause.level === "handshake" || cause.level === "protocol" ? "protocol" : "lost";
      reject(new SshError(kind, `Cannot log in as ${where}: ${messageOf(cause)}`, { cause }));
    }
  };
  const onClose = () => reject(new SshError("lost", `${where} closed the connection before the login`));
  client.on("error", onError).on("close", onClose).once("ready", resolve);
  client.connect({
    sock: gathered(socket),
    algorithms: { cipher: ciphers, serverHostKey: preferredAlgorithms(options.hostKeyTypes) },
    username: options.username,
    authHandler: turns.handler,
    readyTimeout: 0,
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax,
    hostVerifier: (key: Buffer) => {
      hostKey = fingerprintOf(key);
      hostPublicKey = publicKeyLine(key);
      return isPinned(hostKey, options.hostKey);
    },
  });
  try {
    await promise;
    return { client, authenticatedBy: turns.acceptedBy(), hostKey, hostPublicKey };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    options.signal?.removeEventListener("abort", onAbort);
    // ssh2 emits errors at any time; unheard ones would end the process.
    client.on("error", () => {}).off("error", onError).off("close", onClose);
  }
}

/** ssh2 writes each packet in three parts; this sends what is written in one turn at once. */
function gathered(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  const uncork = () => {
    corked = false;
    socket.uncork();
  };
  return Object.assign(socket, {
    write(...args: unknown[]) {
      if (!corked) {
        corked = true;
        socket.cork();
        queueMicrotask(uncork);
      }
      return write(...args);
    },
  });
}

/** Whether the server said goodbye itself, as sshd does after too many attempts. */
function isDisconnect(error: Error): boolean {
  return typeof (error as { code?: unknown }).code === "number";
}
