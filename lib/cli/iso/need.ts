import { UsageError } from "../../errors.ts";
import type { PimContext } from "../context.ts";
import { ask, canAsk } from "../terminal/prompt.ts";

/** Asks for what is missing where somebody can answer; throws {@linkcode UsageError} elsewhere. */
export async function need(context: PimContext, flag: string, question: string): Promise<string> {
  const answer = canAsk(context) ? await ask(context, question) : "";
  if (answer !== "") return answer;
  throw new UsageError(`Cannot add an ISO without this: ${question}`, {
    hint: flag === "URL" ? "Type: pim iso add URL" : `Give it with ${flag}.`,
  });
}
