import { isIP } from "node:net";
import type { TLSSocket } from "node:tls";
import { CancelledError } from "../errors.ts";
import { HttpError } from "./error.ts";
import { Silence } from "./no_answer.ts";

/** Whom to believe in place of the usual certificate authorities: one of both. */
export interface TlsTrust {
  /** Certificates of authorities, in PEM. */
  readonly ca?: string;
  /** SHA-256 of the server's own certificate, in hexadecimal, with or without colons. */
  readonly fingerprint?: string;
}

/** Connects to a server that has exactly this certificate; nothing is sent to any other. */
export async function connectPinned(
  url: string,
  fingerprint: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<TLSSocket> {
  const { connect } = await import("node:tls");
  const { hostname, port, host } = new URL(url);
  const name = hostname.replace(/^\[|\]$/g, "");
  const socket = connect({
    host: name,
    port: Number(port || 443),
    // The fingerprint is looked at below, and says more than a chain of authorities.
    rejectUnauthorized: false,
    ...(isIP(name) === 0 && { servername: name }),
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onAbort = () => reject(new CancelledError());
  const timer = setTimeout(() => reject(new Silence(timeoutMs)), timeoutMs);
  socket.once("secureConnect", resolve).on("error", reject);
  signal?.addEventListener("abort", onAbort);
  try {
    await promise;
    const found = socket.getPeerCertificate().fingerprint256 ?? "";
    if (plain(found) === plain(fingerprint)) return socket;
    throw new HttpError(`${host} has the certificate ${found}, not the expected ${fingerprint}`, {
      hint: "Either another machine answers at this address, or its certificate was made anew.",
    });
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}

function plain(fingerprint: string): string {
  return fingerprint.replace(/^sha256:/i, "").replaceAll(":", "").toLowerCase();
}
