import type { HttpResponse } from "../../http/get.ts";
import type { ByteRange } from "./ranges.ts";

/** What the head of an answer says of the file and of the bytes that follow. */
export interface Told {
  readonly validator: string | undefined;
  readonly totalBytes: number | undefined;
  /** The bytes of an answer 206; undefined when it does not say in the one form that we asked for. */
  readonly range: ByteRange | undefined;
}

/** Reads the head of an answer 200 or 206. */
export function readHead({ status, headers }: HttpResponse): Told {
  const validator = validatorOf(headers);
  if (status !== 206) {
    const length = headers.get("content-length");
    return { validator, totalBytes: length === null ? undefined : Number(length), range: undefined };
  }
  const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(headers.get("content-range") ?? "") ??
    [];
  return {
    validator,
    totalBytes: total === undefined || total === "*" ? undefined : Number(total),
    range: first === undefined ? undefined : { start: Number(first), end: Number(last) + 1 },
  };
}

/** The validator of an answer that If-Range takes; a weak entity tag is none. */
function validatorOf(headers: Headers): string | undefined {
  const etag = headers.get("etag");
  if (etag !== null && /^"[^"]*"$/.test(etag)) return etag;
  return headers.get("last-modified") ?? undefined;
}
