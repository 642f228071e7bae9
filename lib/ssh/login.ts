import type { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
// @ts-types="@types/ssh2"
import type {
  AnyAuthMethod,
  AuthHandlerMiddleware,
  CipherAlgorithm,
  Client,
  ServerHostKeyAlgorithm,
} from "ssh2";
import { messageOf, UsageError } from "../errors.ts";
import { abortError, SshError } from "./errors.ts";
import type { SshAddress } from "./socket.ts";

/** One way to log in. A password is offered by both of SSH's password methods; `agent` is the socket of an ssh-agent. */
export type SshAuth =
  | { readonly privateKey: string }
  | { readonly password: string }
  | { readonly agent: string };

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
  const attempts = authAttempts(options);
  const client = new ssh2.Client();
  const where = `${options.username}@${options.host}:${options.port}`;
  let hostKey = "";
  let hostPublicKey = "";
  let current: AnyAuthMethod | undefined;
  const tried = new Set<string>();
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
    if (hostKey !== "" && !matches(hostKey, options.hostKey)) {
      reject(hostKeyError(where, hostKey, options.hostKey!));
    } else if (cause.level === "client-authentication" || (tried.size > 0 && isDisconnect(cause))) {
      reject(refused(where, tried, cause));
    } else {
      const kind = cause.level === "handshake" || cause.level === "protocol" ? "protocol" : "lost";
      reject(new SshError(kind, `Cannot log in as ${where}: ${messageOf(cause)}`, { cause }));
    }
  };
  const onClose = () => reject(new SshError("lost", `${where} closed the connection before the login`));
  client.on("error", onError).on("close", onClose).once("ready", resolve);
  const authHandler: AuthHandlerMiddleware = (methodsLeft, _partial, next) => {
    // methodsLeft is null before the first attempt (the types do not say so).
    do current = attempts.shift(); while (current && methodsLeft && !methodsLeft.includes(methodOf(current)));
    if (current) tried.add(current.type);
    next(current ?? (false as never));
  };
  client.connect({
    sock: gathered(socket),
    algorithms: { cipher: ciphers, serverHostKey: preferred(options.hostKeyTypes) },
    username: options.username,
    authHandler,
    readyTimeout: 0,
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax,
    hostVerifier: (key: Buffer) => {
      hostKey = `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
      hostPublicKey = publicKeyLine(key);
      return matches(hostKey, options.hostKey);
    },
  });
  try {
    await promise;
    const byKey = current !== undefined && methodOf(current) === "publickey";
    return { client, authenticatedBy: byKey ? "key" : "password", hostKey, hostPublicKey };
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

/** Throws {@linkcode UsageError} when a private key cannot be read; better before anything is connected. */
export async function checkAuth(auth: readonly SshAuth[]): Promise<void> {
  const { default: ssh2 } = await import("ssh2");
  for (const one of auth) {
    const key = "privateKey" in one ? ssh2.utils.parseKey(one.privateKey) : undefined;
    if (key instanceof Error) throw new UsageError(`The SSH private key cannot be read: ${key.message}`);
  }
}

function authAttempts(options: LoginOptions): AnyAuthMethod[] {
  const { username } = options;
  return options.auth.flatMap((auth): AnyAuthMethod[] => {
    if ("privateKey" in auth) return [{ type: "publickey", username, key: auth.privateKey }];
    if ("agent" in auth) return [{ type: "agent", username, agent: auth.agent }];
    const { password } = auth;
    let asked = false;
    return [{ type: "password", username, password }, {
      type: "keyboard-interactive",
      username,
      prompt(_name, _instructions, _lang, prompts, finish) {
        // A second round asks for something else, such as a new password: an empty answer ends it.
        finish(prompts.map(() => asked ? "" : password));
        if (prompts.length > 0) asked = true;
      },
    }];
  });
}

/** The name of a way to log in as servers know it. */
function methodOf({ type }: AnyAuthMethod): AnyAuthMethod["type"] {
  return type === "agent" ? "publickey" : type;
}

function matches(hostKey: string, pinned: LoginOptions["hostKey"]): boolean {
  return pinned === undefined || [pinned].flat().some((each) => each.replace(/=+$/, "") === hostKey);
}

/** A key as RFC 4253, 6.6, encodes it begins with the name of its type. */
function publicKeyLine(key: Buffer): string {
  const type = key.toString("latin1", 4, 4 + key.readUInt32BE(0));
  return `${type} ${key.toString("base64")}`;
}

const hostKeyAlgorithms: readonly ServerHostKeyAlgorithm[] = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "rsa-sha2-512",
  "rsa-sha2-256",
  "ssh-rsa",
];

/** Those of the types that are known first, as a server shows only one of its keys. */
function preferred(types: readonly string[] = []): ServerHostKeyAlgorithm[] {
  // The key of the type ssh-rsa signs with three algorithms.
  const isKnown = (name: string) => types.includes(/^(rsa-sha2-|ssh-rsa)/.test(name) ? "ssh-rsa" : name);
  return [...hostKeyAlgorithms.filter(isKnown), ...hostKeyAlgorithms.filter((name) => !isKnown(name))];
}

/** Whether the server said goodbye itself, as sshd does after too many attempts. */
function isDisconnect(error: Error): boolean {
  return typeof (error as { code?: unknown }).code === "number";
}

const methodNames: Record<string, string> = {
  publickey: "key",
  agent: "keys of the agent",
  password: "password",
  "keyboard-interactive": "keyboard-interactive",
};

function refused(where: string, tried: ReadonlySet<string>, cause: Error): SshError {
  const methods = [...tried].map((type) => methodNames[type] ?? type).join(", ");
  return new SshError(
    "auth",
    `SSH login as ${where} was refused (${
      methods === "" ? "no way to log in was given" : `tried: ${methods}`
    })`,
    { cause, hint: "Check the user name, and that the guest has this password or key for it." },
  );
}

function hostKeyError(where: string, found: string, pinned: string | readonly string[]): SshError {
  const expected = [pinned].flat();
  if (expected.length === 0) {
    return new SshError("host-key", `${where} is not known; it has the host key ${found}`);
  }
  return new SshError(
    "host-key",
    `${where} has the host key ${found}, not the expected ${expected.join(" or ")}`,
    {
      hint: "Either another machine answers at this address, or its host keys were made anew.",
    },
  );
}
