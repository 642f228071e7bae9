import { createServer } from "node:http";
import { connect } from "node:net";

/** A real HTTP proxy on the loopback. */
export interface ProxyServer extends AsyncDisposable {
  readonly port: number;
  /** What it was asked for: "GET http://…" or "CONNECT host:port", with the user and the password. */
  readonly requests: string[];
  /** A status to refuse everything with. */
  refuse: number | undefined;
}

/** Starts a proxy on a free port; the names of servers behind it need not exist, all of them are `serverPort`. */
export async function serveProxy(serverPort: number): Promise<ProxyServer> {
  const requests: string[] = [];
  const note = (method = "", url = "", credentials = "") => {
    const user = credentials === "" ? "" : ` ${atob(credentials.replace("Basic ", ""))}`;
    requests.push(`${method} ${url}${user}`);
  };
  const server = createServer((request, response) => {
    note(request.method, request.url, request.headers["proxy-authorization"]);
    if (state.refuse !== undefined) return response.writeHead(state.refuse).end();
    const { pathname } = new URL(request.url ?? "");
    fetch(`http://127.0.0.1:${serverPort}${pathname}`, { headers: { range: request.headers.range ?? "" } })
      .then(async (answer) => {
        const body = new Uint8Array(await answer.arrayBuffer());
        response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(body);
      });
  });
  server.on("connect", (request, socket) => {
    note("CONNECT", request.url, request.headers["proxy-authorization"]);
    if (state.refuse !== undefined) return socket.end(`HTTP/1.1 ${state.refuse} No\r\n\r\n`);
    const behind = connect(serverPort, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      behind.pipe(socket).pipe(behind);
    });
    for (const each of [socket, behind]) each.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const state: ProxyServer = {
    port: (server.address() as { port: number }).port,
    requests,
    refuse: undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}
