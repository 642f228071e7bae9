import type { ClientRequest, IncomingMessage } from "node:http";
import type { RequestOptions } from "node:https";
import { CancelledError } from "../errors.ts";
import { log } from "../log.ts";
import { version } from "../version.ts";
import { type AnswerHead, type OpenAnswer, openAnswer } from "./answer.ts";
import { lengthOf, type RequestBody, sendBody } from "./body.ts";
import type { HttpConnections } from "./connections.ts";
import { showUrl } from "./error.ts";
import { explainNoAnswer } from "./no_answer.ts";
import { watchSilence } from "./silence.ts";
import { connectPinned, type TlsTrust } from "./tls_pin.ts";

/** One request to an API. */
export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  /** The URL for messages and the log, where it holds more secrets than a password. */
  readonly shownUrl?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: RequestBody;
  /** Connections to take; unless given, one for this request alone, and by no proxy. */
  readonly connections?: HttpConnections;
  /** Whom to believe; where there are `connections`, those know it. */
  readonly trust?: TlsTrust;
  readonly signal?: AbortSignal;
  /** How long the server may neither take nor send anything; 30 s unless given. */
  readonly stallTimeoutMs?: number;
  /** The same from the moment on that all was sent, for servers that work before they answer. */
  readonly answerTimeoutMs?: number;
}

/** An answer that was read to its end. */
export interface HttpAnswer extends AnswerHead {
  readonly text: string;
}

const defaultStallMs = 30_000;

/** Sends one request like {@linkcode openRequest}, and reads the answer: 4 MiB at most unless given. */
export async function httpRequest(
  { maxBytes, ...request }: HttpRequest & { readonly maxBytes?: number },
): Promise<HttpAnswer> {
  const { status, statusText, headers, text } = await openRequest(request);
  return { status, statusText, headers, text: await text(maxBytes) };
}

/**
 * Sends one request; every status is an answer, and no redirect is followed. A body is sent with its Content-Length:
 * `fetch` would send a stream in chunks (Deno 2.9), which Proxmox VE refuses, and at a third of the speed. What answers
 * before all was sent is heard. Throws {@linkcode HttpError} in plain words when there is no answer.
 */
export async function openRequest(request: HttpRequest): Promise<OpenAnswer> {
  const { method, url, connections, signal, stallTimeoutMs = defaultStallMs } = request;
  if (signal?.aborted) throw new CancelledError();
  const stall = watchSilence({ stallTimeoutMs, answerTimeoutMs: request.answerTimeoutMs ?? stallTimeoutMs });
  const shownUrl = showUrl(request.shownUrl ?? url);
  const explain = (error: unknown) =>
    explainNoAnswer(error, { url, signal, proxied: connections !== undefined });
  let end = stall.stop;
  try {
    log.debug(`${method} ${shownUrl}`);
    const sent = await open(request, stallTimeoutMs);
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    givenUp.catch(() => {});
    // Over a connection that was kept, a request that is destroyed says nothing before it is answered (Deno 2.9).
    const giveUp = (error: Error) => {
      reject(error);
      sent.destroy(error);
    };
    const cancel = () => giveUp(new CancelledError());
    let isWhole = () => false;
    signal?.addEventListener("abort", cancel);
    end = () => {
      stall.stop();
      signal?.removeEventListener("abort", cancel);
      // A connection that is kept has gone back by itself when both sides have said all.
      if (connections === undefined || !isWhole()) sent.destroy();
    };
    if (signal?.aborted) cancel();
    const answered = answerTo(sent);
    stall.watch(giveUp);
    sendBody(sent, request.body, { stall, givenUp }).catch(giveUp);
    const response = await Promise.race([answered, givenUp]);
    isWhole = () => response.complete && sent.writableEnded;
    return openAnswer(response, { shownUrl, stall, explain, end });
  } catch (error) {
    end();
    throw explain(error);
  }
}

async function open(request: HttpRequest, stallTimeoutMs: number): Promise<ClientRequest> {
  const { method, url, headers, body, connections, trust, signal } = request;
  const length = lengthOf(method, body);
  const options: RequestOptions = {
    method,
    agent: await connections?.agentFor(url) ?? false,
    headers: {
      "user-agent": `pim/${version}`,
      accept: "application/json",
      ...(connections === undefined && { connection: "close" }),
      ...headers,
      ...(length !== undefined && { "content-length": String(length) }),
    },
  };
  if (!url.startsWith("https:")) return (await import("node:http")).request(url, options);
  if (connections === undefined && trust?.fingerprint !== undefined) {
    const socket = await connectPinned(url, trust.fingerprint, stallTimeoutMs, signal);
    // The TLS is done already: what is spoken over it is HTTP.
    return (await import("node:http")).request({
      ...options,
      ...target(url),
      // An agent, even none of those that keep connections, would make one of its own.
      agent: undefined,
      createConnection: () => socket,
    });
  }
  return (await import("node:https")).request(url, { ...options, ...(trust?.ca && { ca: trust.ca }) });
}

function target(url: string): { host: string; port: number; path: string } {
  const { hostname, port, pathname, search } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 443), path: `${pathname}${search}` };
}

/** The answer to a request, or why there is none. */
function answerTo(sent: ClientRequest): Promise<IncomingMessage> {
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.once("response", resolve);
    // Stays for good: a server that answers early closes while we still write.
    sent.on("error", reject);
  });
  answered.catch(() => {});
  return answered;
}
