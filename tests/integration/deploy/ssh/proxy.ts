import { connect, createServer, type Socket } from "node:net";

/** Something between a client and a server that can break their connection. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that clients have sent, in all connections. */
  sent(): number;
  /** How many connections there were. */
  connections(): number;
}

/** Passes bytes on to a port of the loopback; the first connection with so many bytes is cut then, or held for ever. */
export async function startProxy(
  target: () => number,
  { bytes, how }: { readonly bytes: number; readonly how: "cut" | "hold" },
): Promise<Proxy> {
  const open = new Set<Socket>();
  let sent = 0;
  let connections = 0;
  let broken: Socket | undefined;
  const server = createServer((client) => {
    connections++;
    let sentHere = 0;
    const far = connect({ host: "127.0.0.1", port: target() });
    for (const [one, other] of [[client, far], [far, client]] as const) {
      open.add(one);
      one.on("error", () => {}).on("close", () => {
        open.delete(one);
        other.destroy();
      });
    }
    far.pipe(client);
    client.on("data", (piece) => {
      sent += piece.length;
      sentHere += piece.length;
      if (sentHere > bytes) broken ??= client;
      if (broken === client) {
        // What is held goes nowhere.
        if (how === "cut") client.destroy();
      } else if (!far.write(piece)) {
        client.pause();
        far.once("drain", () => client.resume());
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    sent: () => sent,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const each of open) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
