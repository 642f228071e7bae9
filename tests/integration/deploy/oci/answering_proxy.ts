/** A proxy of HTTP on 127.0.0.1 that can answer in the place of its server. */
export interface AnsweringProxy extends AsyncDisposable {
  readonly host: string;
  /** "METHOD PATH" of every request. */
  readonly requests: string[];
}

/** Starts a proxy in front of a registry; `answer` says what is answered in its place. */
export function answeringProxy(
  server: string,
  answer: (request: Request, path: string) => Response | undefined,
): AnsweringProxy {
  const requests: string[] = [];
  // A request that breaks off before its end is not told: nobody is there to hear of it.
  const onError = () => new Response(null, { status: 502 });
  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {}, onError }, async (request) => {
    const url = new URL(request.url);
    requests.push(`${request.method} ${url.pathname}`);
    const own = answer(request, url.pathname);
    if (own !== undefined) {
      await request.body?.cancel();
      return own;
    }
    const target = new URL(url.pathname + url.search, `http://${server}`);
    const body = request.body === null ? undefined : await request.arrayBuffer();
    const headers = new Headers(request.headers);
    headers.delete("host");
    const { status, headers: back, body: content } = await fetch(target, {
      ...{ method: request.method, headers, body, redirect: "manual" },
    });
    const location = back.get("location");
    const answered = new Headers(back);
    if (location !== null) answered.set("location", location.replace(server, url.host));
    return new Response(content, { status, headers: answered });
  });
  return {
    host: `127.0.0.1:${http.addr.port}`,
    requests,
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}
