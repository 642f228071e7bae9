import { messageOf, PimError } from "../../errors.ts";
import type { TargetCheck } from "../target.ts";
import type { Cloud } from "./cloud.ts";
import { isAwsError } from "./explain.ts";

/** What a look at something has come to: what it says when all is well, or how it failed. */
export async function outcome(name: string, look: () => Promise<string>): Promise<TargetCheck> {
  try {
    return { name, ok: true, detail: await look() };
  } catch (error) {
    if (!(error instanceof PimError) || error.exitCode === 130) throw error;
    return {
      name,
      ok: false,
      detail: messageOf(error),
      ...(error.hint !== undefined && { hint: error.hint }),
    };
  }
}

/** EC2 answers a dry run with an error in any case: DryRunOperation when it would have been done. */
export async function dryRun(
  cloud: Cloud,
  what: string,
  send: (options: { readonly abortSignal: AbortSignal }) => Promise<unknown>,
): Promise<void> {
  try {
    await cloud.ask(what, send);
  } catch (error) {
    if (!isAwsError(error, "DryRunOperation")) throw error;
  }
}
