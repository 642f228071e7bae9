import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

/** A real HTTP server on the loopback with files in folders, which it lists as nginx does. */
export interface FolderServer extends AsyncDisposable {
  readonly url: string;
  /** Path -> content; may be changed between requests. */
  readonly files: Map<string, string | Uint8Array>;
  /** What was asked for: "GET /a.iso". */
  readonly requests: string[];
}

/** Starts the server on a free port. */
export async function serveFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<FolderServer> {
  const state = { files: new Map(Object.entries(files)), requests: [] as string[] };
  const server = createServer((request, response) => {
    state.requests.push(`${request.method} ${request.url}`);
    answer(state.files, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    ...state,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function answer(
  files: ReadonlyMap<string, string | Uint8Array>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = decodeURIComponent(request.url ?? "/");
  const content = files.get(path) ?? listing(files, path);
  if (content === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { "content-length": new Blob([content as string]).size });
  response.end(request.method === "HEAD" ? undefined : content);
}

function listing(files: ReadonlyMap<string, unknown>, folder: string): string | undefined {
  const inside = [...files.keys()].filter((path) => folder.endsWith("/") && path.startsWith(folder));
  const names = new Set(inside.map((path) => path.slice(folder.length).replace(/\/.*/, "/")));
  if (names.size === 0) return undefined;
  const lines = [...names].sort().map((name) =>
    `<a href="${encodeURI(name)}">${name}</a>  26-Nov-2026 02:23  -`
  );
  return `<html><h1>Index of ${folder}</h1><pre><a href="../">../</a>\n${lines.join("\n")}\n</pre></html>`;
}
