import type { ClientRequest } from "node:http";
import type { SilenceWatch } from "./silence.ts";

/** What a request sends: all at once, or pieces whose length is known before the first is read. */
export type RequestBody = string | Uint8Array | StreamedBody;

/** A body that is read while it is sent. */
export interface StreamedBody {
  readonly bytes: number;
  /** Called anew for every try. */
  pieces(): AsyncIterable<Uint8Array>;
}

/** The Content-Length of a request; none where the method has no body. */
export function lengthOf(method: string, body: RequestBody | undefined): number | undefined {
  if (body === undefined) return ["GET", "HEAD", "DELETE"].includes(method) ? undefined : 0;
  if (typeof body === "string") return new TextEncoder().encode(body).length;
  return body instanceof Uint8Array ? body.length : body.bytes;
}

/** What is told while a body is sent, and what ends it. */
export interface Sending {
  readonly stall: SilenceWatch;
  /** Rejects when the request is given up. */
  readonly givenUp: Promise<never>;
}

/** Writes the body; stops without a word when the answer is there before its end. */
export async function sendBody(
  sent: ClientRequest,
  body: RequestBody | undefined,
  { stall, givenUp }: Sending,
): Promise<void> {
  let answered = false;
  sent.once("response", () => answered = true);
  const streamed = typeof body === "object" && !(body instanceof Uint8Array);
  if (streamed) {
    for await (const piece of body.pieces()) {
      // A destroyed request has told its error already.
      if (answered || sent.destroyed) return;
      if (!sent.write(piece)) await Promise.race([roomToWrite(sent), givenUp]);
      stall.heard();
    }
    if (answered || sent.destroyed) return;
  }
  sent.end(streamed ? undefined : body);
  stall.allSent();
}

function roomToWrite(sent: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const events = ["drain", "response", "close", "error"];
    const done = () => {
      for (const event of events) sent.off(event, done);
      resolve();
    };
    for (const event of events) sent.on(event, done);
  });
}
