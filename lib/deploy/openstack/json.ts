import * as v from "valibot";
import { showUrl } from "../../http/error.ts";
import type { HttpAnswer } from "../../http/request.ts";
import { DeployError } from "../deploy_error.ts";

/** What an OpenStack service says of an error: JSON of one of its shapes, a page of HTML, or plain text. */
export function saidBy({ text }: Pick<HttpAnswer, "text">): string {
  try {
    const value = JSON.parse(text);
    const message = value?.error?.message ?? value?.message ?? Object.values(value ?? {}).find(hasMessage);
    if (typeof message === "string") return message;
    if (hasMessage(message)) return message.message;
  } catch {
    // It is no JSON.
  }
  return text.replace(/<(head|title|style)[\s\S]*?<\/\1>/gi, " ").replace(/<[^>]+>/g, " ");
}

function hasMessage(value: unknown): value is { message: string } {
  return typeof value === "object" && value !== null && "message" in value &&
    typeof value.message === "string";
}

/** The JSON of an answer in its expected shape; throws a DeployError that names the address. */
export function parseJson<S extends v.GenericSchema>(
  schema: S,
  { text }: Pick<HttpAnswer, "text">,
  url: string,
): v.InferOutput<S> {
  try {
    const result = v.safeParse(schema, JSON.parse(text));
    if (result.success) return result.output;
    const [issue] = result.issues;
    throw new Error(`${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
  } catch (cause) {
    throw new DeployError(
      `What ${showUrl(url)} answers is not understood: ${cause instanceof Error ? cause.message : cause}`,
      { hint: "Is this the address of the API?", cause },
    );
  }
}
