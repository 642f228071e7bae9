import type { IncomingMessage } from "node:http";
import { HttpError } from "./error.ts";
import type { SilenceWatch } from "./silence.ts";

/** What a server says of a request, whatever its status. */
export interface AnswerHead {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
}

/** An answer whose body has not been read yet: read it or drop it, once. */
export interface OpenAnswer extends AnswerHead {
  /** The body as it comes; throws HttpError when it breaks off or falls silent. Its reader may take its time. */
  pieces(): AsyncGenerator<Uint8Array>;
  /** The whole body; throws HttpError when it is longer than `maxBytes`, 4 MiB unless given. */
  bytes(maxBytes?: number): Promise<Uint8Array<ArrayBuffer>>;
  /** The same as text. */
  text(maxBytes?: number): Promise<string>;
  drop(): void;
}

/** The request that an answer belongs to. */
export interface Answered {
  /** Its URL for messages. */
  readonly shownUrl: string;
  readonly stall: SilenceWatch;
  readonly explain: (error: unknown) => Error;
  /** Lets its connection go; called at the end, possibly more than once. */
  readonly end: () => void;
}

const defaultMaxBytes = 4 * 1024 * 1024;

/** Makes an answer of what Node's client has got. */
export function openAnswer(
  response: IncomingMessage,
  { shownUrl, stall, explain, end }: Answered,
): OpenAnswer {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    stall.heard();
    try {
      for await (const piece of response) {
        stall.pause();
        yield piece;
        stall.heard();
      }
    } catch (error) {
      throw explain(error);
    } finally {
      end();
    }
  }
  async function bytes(maxBytes = defaultMaxBytes): Promise<Uint8Array<ArrayBuffer>> {
    const all: Uint8Array[] = [];
    let count = 0;
    for await (const piece of pieces()) {
      count += piece.length;
      if (count > maxBytes) throw new HttpError(`${shownUrl} answers with more than ${maxBytes} bytes`);
      all.push(piece);
    }
    return join(all, count);
  }
  stall.pause();
  return {
    status: response.statusCode ?? 0,
    statusText: response.statusMessage ?? "",
    headers: headersOf(response),
    ...{ pieces, bytes },
    text: async (maxBytes) => new TextDecoder().decode(await bytes(maxBytes)),
    drop() {
      // All of it is here already: the connection can be used again.
      if (response.complete) response.once("end", end).resume();
      else end();
    },
  };
}

function headersOf(response: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.headers)) {
    for (const each of [value ?? []].flat()) headers.append(name, each);
  }
  return headers;
}

function join(pieces: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
