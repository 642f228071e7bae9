import { exitCode } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import type { OpenAnswer } from "../../http/answer.ts";
import type { StreamedBody } from "../../http/body.ts";
import type { RegistryAnswer, RequestOptions } from "./registry_client.ts";
import { plainUrl } from "./registry_request.ts";
import type { Repository } from "./repository.ts";

/** An upload that a registry has begun. */
export interface Upload {
  /** Where it goes on. */
  readonly location: string;
  /** Bytes that the registry has. */
  readonly offset: number;
  /** Set once it went on from where it broke off. A registry that was still writing may then have bytes twice. */
  readonly resumed?: true;
  /** Pieces must not be smaller, where the registry says so (OCI-Chunk-Min-Length). */
  readonly minBytes?: number;
}

/** A registry has dropped an upload that was not whole: it has to begin anew. */
export class UploadLostError extends HttpError {
  constructor(repository: Repository, why: string) {
    super(`${repository.client.host} ${why} of an upload to ${repository.name}`, {
      hint: "Deploy it again: what is whole at the registry is not sent again.",
    });
  }
}

/** The content type of blobs on their way. */
export const octets = { "content-type": "application/octet-stream" };

/** Begins an upload; the caller tries again. */
export async function beginUpload(repository: Repository): Promise<Upload> {
  const answer = await push(repository, "POST", `${repository.name}/blobs/uploads/`, { ok: [202] });
  const minBytes = Number(answer.response.headers.get("oci-chunk-min-length"));
  return { location: locationOf(answer), offset: 0, ...(minBytes > 0 && { minBytes }) };
}

/** Asks for a blob that another repository of the registry has; false when it has to be sent after all. */
export async function mountBlob(repository: Repository, digest: string, from: string): Promise<boolean> {
  const { client, name } = repository;
  const path = `${name}/blobs/uploads/?${new URLSearchParams({ mount: digest, from })}`;
  const scope = `${repository.scope("pull,push")} repository:${from}:pull`;
  try {
    const { response, url } = await client.retry(() =>
      client.request("POST", path, { ok: [201, 202, 404], scope })
    );
    response.drop();
    if (response.status === 202) await abandonUpload(repository, locationOf({ response, url }));
    return response.status === 201;
  } catch (error) {
    // Who may write here may not read there.
    if (error instanceof HttpError && [401, 403].includes(error.status ?? 0)) return false;
    throw error;
  }
}

/** How far an upload is, or undefined when the registry knows it no more; the caller tries again. */
export async function uploadStatus(repository: Repository, location: string): Promise<Upload | undefined> {
  const answer = await push(repository, "GET", location, { ok: [204, 200, 404, 400] });
  if (answer.response.status >= 400) return undefined;
  return { location: locationOf(answer), offset: offsetOf(answer.response) ?? 0 };
}

/** Gives an upload up; a registry that does not know it any more, or forgets it by itself, is no error. */
export async function abandonUpload(repository: Repository, location: string): Promise<void> {
  await push(repository, "DELETE", location, { ok: [200, 202, 204, 400, 404, 405] });
}

/** Ends an upload, with all of the blob or with nothing more; throws when the registry has something else. */
export async function finishUpload(
  repository: Repository,
  { location, resumed }: Upload,
  digest: string,
  whole?: Uint8Array | StreamedBody,
): Promise<void> {
  const { client } = repository;
  const url = new URL(client.urlOf(location));
  url.searchParams.set("digest", digest);
  const put = async () => {
    return await push(repository, "PUT", url.href, {
      ...{ ok: [201, 204, 400, 404], headers: octets },
      ...(whole !== undefined && { body: whole }),
    });
  };
  // A body is sent anew from the start of its upload, which is for who called.
  const { response } = await (whole === undefined ? client.retry(put) : put());
  const kept = response.headers.get("docker-content-digest");
  if (response.status < 400 && (kept === null || kept === digest)) return;
  // The answer to an earlier try may have been lost: then it is there, and the upload is not.
  if (response.status === 404 && await repository.hasBlob(digest)) return;
  if (resumed) throw new UploadLostError(repository, "has something else than was sent");
  throw new HttpError(
    `${client.host} does not have what was sent: the blob should be ${digest}` +
      (kept === null ? "" : ` and is ${kept}`),
    {
      exitCode: exitCode.checksum,
      status: response.status,
      hint: "Deploy it again; nothing was registered.",
    },
  );
}

/** Sends a small blob in one request. */
export async function putBlob(repository: Repository, digest: string, bytes: Uint8Array): Promise<void> {
  await repository.client.retry(async () => {
    const upload = await beginUpload(repository);
    await finishUpload(repository, upload, digest, bytes);
  });
}

/** Sends one request of an upload, and drops what the registry says with its answer. */
export async function push(
  repository: Repository,
  method: Parameters<Repository["client"]["request"]>[0],
  path: string,
  options: Omit<RequestOptions, "scope">,
): Promise<RegistryAnswer> {
  const scope = repository.scope("pull,push");
  const answer = await repository.client.request(method, path, { ...options, scope });
  answer.response.drop();
  return answer;
}

/** Where an upload goes on after an answer. */
export function locationOf({ response, url }: RegistryAnswer): string {
  const location = URL.parse(response.headers.get("location") ?? "", url);
  if (location !== null && response.headers.has("location")) return location.href;
  throw new HttpError(`${plainUrl(url)} does not say where the upload goes on`);
}

/** The offset after a Range header such as "0-1023"; "0-0" is what registries say of nothing, too. */
export function offsetOf(response: Pick<OpenAnswer, "headers">): number | undefined {
  const [, last] = /^(?:bytes=)?\d+-(\d+)$/.exec(response.headers.get("range") ?? "") ?? [];
  return last === undefined ? undefined : last === "0" ? 0 : Number(last) + 1;
}
