import type { HttpError } from "../../http/error.ts";

/** Why a request failed, for a message that says itself what could not be done; the request stays with the cause. */
export function reasonOf({ message }: HttpError): string {
  return message.replace(/^Cannot \w+ https?:\/\/\S+: /, "");
}
