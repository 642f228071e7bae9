import type { ExitCode } from "../../errors.ts";
import type { Clue, Evidence } from "./evidence.ts";
import type { ReasonCode } from "./reason.ts";

/** What a rule has found. */
export interface Finding {
  readonly code: ReasonCode;
  readonly summary: string;
  readonly hint?: string;
  /** In place of that of the phase. */
  readonly exitCode?: ExitCode;
}

/** A rule: looks at everything that was seen and finds one reason in it, or nothing. */
export type Find = (evidence: Evidence) => Finding | undefined;

/** The first clue of a kind. */
export function clue({ clues }: Evidence, kind: Clue["kind"]): Clue | undefined {
  return clues.find((each) => each.kind === kind);
}

// A screen is drawn in pieces, and a message may be followed by what makes it harmless.
const settledMs = 3000;

/** Whether what is shown has stood for a moment. */
export function settled({ quietMs }: Evidence): boolean {
  return quietMs >= settledMs;
}
