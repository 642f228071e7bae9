import { join } from "node:path";

/** The far end of a protocol: a unix socket server that answers as the test tells it. */
export interface FakeServer extends AsyncDisposable {
  readonly path: string;
}

/** What a test's server can do with a connection. */
export interface FakePeer {
  /** The next request, without the byte that flushes an agent; undefined at the end. */
  request(): Promise<Record<string, unknown> | undefined>;
  /** Writes text or bytes as they are, in one write. */
  write(data: string | Uint8Array): Promise<void>;
  close(): void;
}

/** Serves each connection with `serve` until disposed of. */
export async function fakeServer(serve: (peer: FakePeer) => Promise<void>): Promise<FakeServer> {
  const folder = await Deno.makeTempDir({ prefix: "pim-qmp-" });
  const path = join(folder, "s");
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Deno.Conn>();
  const serving = (async () => {
    for await (const conn of listener) {
      open.add(conn);
      await serve(peerOf(conn)).catch(() => {}); // The client may go at any time.
    }
  })().catch(() => {});
  return {
    path,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const conn of open) closeQuietly(conn);
      await serving;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

function peerOf(conn: Deno.Conn): FakePeer {
  let rest = "";
  const decoder = new TextDecoder("latin1");
  return {
    async request() {
      const buffer = new Uint8Array(4096);
      while (!rest.includes("\n")) {
        const count = await conn.read(buffer);
        if (count === null) return undefined;
        rest += decoder.decode(buffer.subarray(0, count));
      }
      const end = rest.indexOf("\n");
      const line = rest.slice(0, end).replace("\xff", "");
      rest = rest.slice(end + 1);
      return JSON.parse(line);
    },
    async write(data) {
      const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
      for (let offset = 0; offset < bytes.length;) offset += await conn.write(bytes.subarray(offset));
    },
    close: () => closeQuietly(conn),
  };
}

function closeQuietly(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // Closed before.
  }
}
