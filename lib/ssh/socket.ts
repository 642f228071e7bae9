import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { messageOf } from "../errors.ts";
import { abortError, SshError } from "./errors.ts";

/** Where an SSH server is. */
export interface SshAddress {
  readonly host: string;
  readonly port: number;
}

/** Options of {@linkcode connectToBanner}. */
export interface BannerOptions extends SshAddress {
  /** Milliseconds until the SSH banner must have arrived. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Called when TCP is connected, which under QEMU's user network happens before the guest listens. */
  readonly onOpen?: () => void;
}

// RFC 4253 section 4.2 lets a server send other lines before its identification; nobody sends this much.
const bannerLimitBytes = 16_384;

/** Connects and waits until the server's identification (RFC 4253, 4.2) is there, still unread for the client. */
export function connectToBanner(options: BannerOptions): Promise<Socket> {
  const { host, port, signal } = options;
  const where = `${host}:${port}`;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const socket = connect({ host, port, noDelay: true });
    let opened = false;
    let received = Buffer.alloc(0);
    const timer = setTimeout(() =>
      fail(
        opened
          ? new SshError("no-banner", `${where} accepts connections, but no SSH server answers there`)
          : new SshError("timeout", `Cannot connect to ${where} in time`),
      ), options.timeoutMs);

    const fail = (error: unknown) => {
      settle();
      // An error that comes later has nobody left to tell.
      socket.on("error", () => {});
      socket.destroy();
      reject(error);
    };
    const onConnect = () => {
      opened = true;
      options.onOpen?.();
    };
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (/^SSH-/m.test(received.toString("latin1"))) {
        settle();
        socket.pause();
        socket.unshift(received);
        resolve(socket);
      } else if (received.length > bannerLimitBytes) {
        fail(new SshError("no-banner", `What answers at ${where} is not an SSH server`));
      }
    };
    const onError = (cause: Error) =>
      fail(
        opened
          ? new SshError("no-banner", `${where} closed the connection before any SSH banner`, { cause })
          : new SshError("refused", `Cannot connect to ${where}: ${messageOf(cause)}`, { cause }),
      );
    const onEnd = () =>
      fail(new SshError("no-banner", `${where} closed the connection before any SSH banner`));
    const onAbort = () => fail(abortError(signal!));

    const heard = { connect: onConnect, data: onData, error: onError, end: onEnd, close: onEnd };
    const settle = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      for (const [event, listener] of Object.entries(heard)) socket.off(event, listener);
    };
    for (const [event, listener] of Object.entries(heard)) socket.on(event, listener);
    signal?.addEventListener("abort", onAbort);
  });
}
