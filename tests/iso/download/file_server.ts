import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A real HTTP server on the loopback that serves one file, and can be told to misbehave. */
export interface FileServer extends AsyncDisposable {
  readonly url: string;
  /** What is served; may be changed between requests. */
  content: Uint8Array;
  etag: string | undefined;
  lastModified: string | undefined;
  ignoreRange: boolean;
  /** How long each answer waits. */
  delayMs: number;
  /** How many bytes of the file were sent by answers that were not misbehaved. */
  sentBytes: number;
  /** Called before each answer; true when it has answered itself. */
  misbehave: (request: IncomingMessage, response: ServerResponse, count: number) => boolean;
  /** What was asked for: "GET /a.iso", with the range if there was one. */
  readonly requests: string[];
}

/** Starts the server on a free port. */
export async function serveFile(content: Uint8Array): Promise<FileServer> {
  const server = createServer((request, response) => {
    const range = request.headers.range;
    state.requests.push(`${request.method} ${request.url}${range === undefined ? "" : ` ${range}`}`);
    if (state.misbehave(request, response, state.requests.length)) return;
    if (state.delayMs === 0) answer(state, request, response);
    else setTimeout(() => answer(state, request, response), state.delayMs);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  const state: FileServer = {
    url: `http://127.0.0.1:${port}`,
    content,
    etag: '"one"',
    lastModified: undefined,
    ignoreRange: false,
    delayMs: 0,
    sentBytes: 0,
    misbehave: () => false,
    requests: [],
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}

function answer(state: FileServer, request: IncomingMessage, response: ServerResponse): void {
  const headers: Record<string, string | number> = {};
  if (state.etag !== undefined) headers.etag = state.etag;
  if (state.lastModified !== undefined) headers["last-modified"] = state.lastModified;
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  const start = Number(first ?? NaN);
  const condition = request.headers["if-range"];
  const unchanged = condition === undefined || condition === state.etag || condition === state.lastModified;
  const total = state.content.length;
  if (Number.isNaN(start) || state.ignoreRange || !unchanged) {
    response.writeHead(200, { ...headers, "content-length": total });
    state.sentBytes += total;
    response.end(state.content);
  } else if (start >= total) {
    response.writeHead(416, { ...headers, "content-range": `bytes */${total}` });
    response.end();
  } else {
    const end = last ? Math.min(Number(last) + 1, total) : total;
    const range = `bytes ${start}-${end - 1}/${total}`;
    response.writeHead(206, { ...headers, "content-length": end - start, "content-range": range });
    state.sentBytes += end - start;
    response.end(state.content.subarray(start, end));
  }
}

/** The bytes that a request asks for. */
export function rangeOf(request: IncomingMessage, total: number): { start: number; end: number } {
  const [, first = "0", last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
  return { start: Number(first), end: last ? Math.min(Number(last) + 1, total) : total };
}

/** Sends the head and so many bytes of the file, or of a part of it, then cuts the connection. */
export function cutAfter(
  bytes: number,
  state: FileServer,
  response: ServerResponse,
  start = 0,
  end = state.content.length,
): true {
  const total = state.content.length;
  const headers = {
    "content-length": end - start,
    ...(state.etag === undefined ? {} : { etag: state.etag }),
  };
  if (start > 0 || end < total) {
    response.writeHead(206, { ...headers, "content-range": `bytes ${start}-${end - 1}/${total}` });
  } else response.writeHead(200, headers);
  response.write(
    state.content.subarray(start, start + bytes),
    () => setTimeout(() => response.destroy(), 20),
  );
  return true;
}
