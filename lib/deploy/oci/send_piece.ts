import type { StreamedBody } from "../../http/body.ts";
import { HttpError } from "../../http/error.ts";
import type { PassingBytes } from "./passing_bytes.ts";
import type { Repository } from "./repository.ts";
import {
  locationOf,
  octets,
  offsetOf,
  push,
  type Upload,
  UploadLostError,
  uploadStatus,
} from "./upload_requests.ts";

/** A part of a blob that is sent in one request. */
export interface Piece {
  readonly bytes: PassingBytes;
  /** Its first byte, and the one after its last. */
  readonly at: number;
  readonly end: number;
  readonly onProgress?: (bytes: number) => void;
}

/** Sends a piece. When the connection breaks off, the rest of it is sent. */
export async function sendPiece(repository: Repository, begun: Upload, piece: Piece): Promise<Upload> {
  const { client } = repository;
  const { at, end } = piece;
  let state = begun;
  let had = 0;
  let doubtful = false;
  const attempt = async () => {
    if (doubtful) state = await offsetWithin(repository, state.location, piece);
    const from = doubtful ? state.offset : at;
    if (from === end) return state;
    doubtful = true;
    const answer = await push(repository, "PATCH", state.location, {
      ok: [202, 201, 204, 404, 416],
      body: streamed(piece, from),
      headers: { ...octets, "content-range": `${from}-${end - 1}` },
    });
    const { status } = answer.response;
    // Docker's registry 2.8 and Azure's drop an upload when a piece of it breaks off.
    if (status === 404) throw new UploadLostError(repository, "knows nothing more");
    const offset = offsetOf(answer.response) ?? end;
    if (status === 416 || offset !== end) {
      throw new HttpError(`${client.host} has taken a part of a piece only`, { retryable: true });
    }
    return { ...state, location: locationOf(answer), offset };
  };
  return await client.retry(attempt, () => {
    const more = state.offset > had;
    had = state.offset;
    return more;
  });
}

function streamed({ bytes, end, onProgress }: Piece, from: number): StreamedBody {
  return {
    bytes: end - from,
    async *pieces() {
      let at = from;
      for await (const frame of bytes.frames(from, end)) {
        yield frame;
        at += frame.length;
        onProgress?.(at);
      }
    },
  };
}

/** How far an upload is, which must be within a piece or at one of its ends. */
async function offsetWithin(repository: Repository, location: string, { at, end }: Piece): Promise<Upload> {
  const status = await uploadStatus(repository, location);
  if (status === undefined) throw new UploadLostError(repository, "knows nothing more");
  if (status.offset >= at && status.offset <= end) return { ...status, resumed: true };
  throw new UploadLostError(repository, "has lost a part");
}
