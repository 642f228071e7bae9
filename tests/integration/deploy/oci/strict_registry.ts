import { createHash } from "node:crypto";

/** A registry in memory by the OCI distribution specification 1.1, which takes nothing that the specification does not. */
export interface StrictRegistry extends AsyncDisposable {
  readonly host: string;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** "METHOD PATH" of every request. */
  readonly requests: string[];
  /** What was sent wrongly. */
  readonly wrong: string[];
}

interface Upload {
  readonly parts: Uint8Array[];
  bytes: number;
}

/**
 * Starts it. Unlike Docker's registry 2.8 it goes on with uploads whose connection broke off, as section "Pushing a blob
 * in chunks" wants; like some others it tells the state of an upload by the path alone.
 */
export function strictRegistry(): StrictRegistry {
  const blobs = new Map<string, Uint8Array>();
  const manifests = new Map<string, { type: string; bytes: Uint8Array }>();
  const uploads = new Map<string, Upload>();
  const requests: string[] = [];
  const wrong: string[] = [];
  const fail = (status: number, code: string, headers: HeadersInit = {}) => {
    return Response.json({ errors: [{ code, message: code }] }, { status, headers });
  };
  const refuse = (request: Request, why: string) => {
    wrong.push(`${request.method} ${request.url}: ${why}`);
    return fail(400, "UNSUPPORTED");
  };

  function blob(request: Request, name: string, digest: string): Response {
    if (!["GET", "HEAD"].includes(request.method)) return refuse(request, "method");
    const bytes = blobs.get(`${name} ${digest}`);
    if (bytes === undefined) return fail(404, "BLOB_UNKNOWN");
    const [, from] = /^bytes=(\d+)-$/.exec(request.headers.get("range") ?? "") ?? [];
    const begin = Number(from ?? 0);
    const headers = { "docker-content-digest": digest, "content-length": String(bytes.length - begin) };
    if (request.method === "HEAD") return new Response(null, { headers });
    if (from === undefined) return new Response(bytes as BodyInit, { headers });
    const range = `bytes ${begin}-${bytes.length - 1}/${bytes.length}`;
    return new Response(bytes.slice(begin), { status: 206, headers: { ...headers, "content-range": range } });
  }

  function state(name: string, id: string, status: number, { bytes }: Upload): Response {
    const headers = { location: `/v2/${name}/blobs/uploads/${id}`, range: `0-${Math.max(0, bytes - 1)}` };
    return new Response(null, { status, headers });
  }

  async function upload(
    request: Request,
    name: string,
    id: string,
    query: URLSearchParams,
  ): Promise<Response> {
    if (request.method === "POST" && id === "") {
      const fresh = crypto.randomUUID();
      uploads.set(fresh, { parts: [], bytes: 0 });
      return state(name, fresh, 202, { parts: [], bytes: 0 });
    }
    const known = uploads.get(id);
    if (known === undefined) return fail(404, "BLOB_UPLOAD_UNKNOWN");
    if (request.method === "GET") return state(name, id, 204, known);
    if (request.method === "DELETE") return uploads.delete(id), new Response(null, { status: 204 });
    if (request.headers.get("content-type") !== "application/octet-stream") {
      return refuse(request, "content type");
    }
    if (request.method === "PATCH") {
      const [, from, to] = /^(\d+)-(\d+)$/.exec(request.headers.get("content-range") ?? "") ?? [];
      if (from === undefined || to === undefined) return refuse(request, "no Content-Range");
      if (Number(from) !== known.bytes) return fail(416, "BLOB_UPLOAD_INVALID");
      await receive(request, known);
      if (known.bytes !== Number(to) + 1) return refuse(request, "length");
      return state(name, id, 202, known);
    }
    if (request.method !== "PUT") return refuse(request, "method");
    await receive(request, known);
    const digest = query.get("digest") ?? "";
    const whole = new Uint8Array(await new Blob(known.parts as BlobPart[]).arrayBuffer());
    if (digestOf(whole) !== digest) return fail(400, "DIGEST_INVALID");
    uploads.delete(id);
    blobs.set(`${name} ${digest}`, whole);
    return new Response(null, { status: 201, headers: { location: `/v2/${name}/blobs/${digest}` } });
  }

  async function receive(request: Request, into: Upload): Promise<void> {
    for await (const piece of request.body ?? []) {
      into.parts.push(piece);
      into.bytes += piece.length;
    }
  }

  async function manifest(request: Request, name: string, reference: string): Promise<Response> {
    const key = `${name} ${reference}`;
    if (request.method === "PUT") {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const type = request.headers.get("content-type") ?? "";
      const { mediaType, config, layers = [] } = JSON.parse(new TextDecoder().decode(bytes));
      if (mediaType !== type) return refuse(request, "the manifest's media type");
      for (const each of [...(config ? [config] : []), ...layers]) {
        if (blobs.get(`${name} ${each.digest}`)?.length !== each.size) {
          return fail(404, "MANIFEST_BLOB_UNKNOWN");
        }
      }
      for (const each of [reference, digestOf(bytes)]) manifests.set(`${name} ${each}`, { type, bytes });
      return new Response(null, { status: 201, headers: { location: request.url } });
    }
    const found = manifests.get(key);
    if (found === undefined) return fail(404, "MANIFEST_UNKNOWN");
    const headers = { "content-type": found.type, "docker-content-digest": digestOf(found.bytes) };
    if (!request.headers.get("accept")?.includes(found.type)) return refuse(request, "accept");
    return new Response(request.method === "HEAD" ? null : found.bytes as BodyInit, { headers });
  }

  const http = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname, searchParams } = new URL(request.url);
    requests.push(`${request.method} ${pathname}`);
    const [, name = "", kind = "", rest = ""] =
      /^\/v2\/(.+?)\/(blobs\/uploads|blobs|manifests)\/(.*)$/.exec(pathname) ?? [];
    try {
      if (kind === "blobs") return blob(request, name, rest);
      if (kind === "manifests") return await manifest(request, name, rest);
      if (kind === "blobs/uploads") return await upload(request, name, rest, searchParams);
    } catch {
      return fail(499, "CUT"); // The connection broke off: nobody reads this.
    }
    return refuse(request, "path");
  });
  return {
    ...{ host: `127.0.0.1:${http.addr.port}`, blobs, requests, wrong },
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
