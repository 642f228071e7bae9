/** Stands between a client and a server on the loopback, and cuts connections when told to. */
export interface CutProxy extends AsyncDisposable {
  readonly port: number;
  /** The next connection that sends this many bytes is cut there. */
  cutAfter(bytes: number): void;
}

/** Starts a proxy that passes on bytes, whatever they mean. */
export function startCutProxy(upstreamPort: number): CutProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  let limit = Infinity;
  const work = new Set<Promise<void>>();
  const pass = async (client: Deno.Conn) => {
    const server = await Deno.connect({ hostname: "127.0.0.1", port: upstreamPort });
    const both = [client, server];
    const close = () => {
      for (const each of both.splice(0)) each.close();
    };
    const pump = async (from: Deno.Conn, to: Deno.Conn, counts: boolean) => {
      const buffer = new Uint8Array(32_768);
      let passed = 0;
      try {
        for (;;) {
          const count = await from.read(buffer);
          if (count === null) break;
          passed += count;
          if (counts && passed >= limit) {
            limit = Infinity;
            break;
          }
          for (let rest = buffer.subarray(0, count); rest.length > 0;) {
            rest = rest.subarray(await to.write(rest));
          }
        }
      } catch {
        // One of the two has gone.
      }
      close();
    };
    await Promise.all([pump(client, server, true), pump(server, client, false)]);
  };
  const serving = (async () => {
    for await (const client of listener) {
      const one = pass(client).catch(() => {});
      work.add(one);
      one.finally(() => work.delete(one));
    }
  })();
  return {
    port: listener.addr.port,
    cutAfter: (bytes) => limit = bytes,
    async [Symbol.asyncDispose]() {
      listener.close();
      await serving;
      await Promise.all(work);
    },
  };
}
