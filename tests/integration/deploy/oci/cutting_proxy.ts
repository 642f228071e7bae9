/** A proxy of bytes on 127.0.0.1 that can cut or hold connections. */
export interface CuttingProxy extends AsyncDisposable {
  /** "127.0.0.1:PORT" */
  readonly host: string;
  /** Bytes that went to the server so far, and those that came from it. */
  readonly passed: { up: number; down: number };
  /** Once so many more bytes have gone in a direction, closes all connections; further ones work. */
  cutAfter(direction: "up" | "down", bytes: number): void;
  /** Once so many more bytes have gone in a direction, passes nothing on any more; resolves when that is so. */
  holdAfter(direction: "up" | "down", bytes: number): Promise<void>;
  /** Closes what is held, and passes on again. */
  release(): void;
  /** How many times connections were cut. */
  cuts(): number;
}

/** Starts a proxy in front of a server. */
export function cuttingProxy(server: string): CuttingProxy {
  const [hostname = "", port = ""] = server.split(":");
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const passed = { up: 0, down: 0 };
  let limit: { direction: "up" | "down"; at: number; held?: () => void } | undefined;
  let holding = false;
  let cut = 0;
  const closeAll = () => {
    for (const connection of open) close(connection);
    open.clear();
  };
  const pass = async (from: Deno.Conn, to: Deno.Conn, direction: "up" | "down") => {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null) return close(to);
        if (holding) return;
        if (limit?.direction === direction && passed[direction] + count > limit.at) {
          const rest = buffer.subarray(0, Math.max(0, limit.at - passed[direction]));
          await writeAll(to, rest);
          passed[direction] += rest.length;
          const { held } = limit;
          limit = undefined;
          if (held === undefined) {
            cut++;
            return closeAll();
          }
          holding = true;
          return held();
        }
        passed[direction] += count;
        await writeAll(to, buffer.subarray(0, count));
      }
    } catch {
      close(from);
      close(to);
    }
  };
  const accepting = (async () => {
    for await (const client of listener) {
      const upstream = await Deno.connect({ hostname, port: Number(port) });
      open.add(client).add(upstream);
      pass(client, upstream, "up");
      pass(upstream, client, "down");
    }
  })();
  return {
    host: `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    passed,
    cutAfter: (direction, bytes) => limit = { direction, at: passed[direction] + bytes },
    holdAfter: (direction, bytes) =>
      new Promise((resolve) => limit = { direction, at: passed[direction] + bytes, held: resolve }),
    release() {
      holding = false;
      closeAll();
    },
    cuts: () => cut,
    async [Symbol.asyncDispose]() {
      listener.close();
      closeAll();
      await accepting.catch(() => {});
    },
  };
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
