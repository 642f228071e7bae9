import type { Check } from "../verify/verification.ts";
import type { Action, Ids } from "./target.ts";

/** What happens while an image is deployed; `id` is that of the deployment. */
export type DeployEvent =
  /** Another pim deploys the same image to the same target. */
  | { readonly type: "waiting"; readonly id: string }
  /** It is there, as it should be. */
  | { readonly type: "already"; readonly id: string; readonly where: string }
  | {
    readonly type: "planned";
    readonly id: string;
    readonly where: string;
    readonly actions: readonly string[];
  }
  | {
    readonly type: "action-started";
    readonly id: string;
    readonly phase: Action["phase"];
    readonly text: string;
  }
  | {
    readonly type: "progress";
    readonly id: string;
    readonly text: string;
    readonly bytes: number;
    readonly totalBytes: number;
  }
  | {
    readonly type: "action-finished";
    readonly id: string;
    readonly text: string;
    readonly elapsedMs: number;
  }
  /** A verification goes on with something. */
  | { readonly type: "verifying"; readonly id: string; readonly text: string }
  | { readonly type: "check"; readonly id: string; readonly check: Check }
  /** A line of the verification script. */
  | { readonly type: "script-output"; readonly id: string; readonly line: string }
  | {
    readonly type: "verified";
    readonly id: string;
    readonly ok: boolean;
    readonly elapsedMs: number;
    readonly checks: readonly Check[];
  }
  | { readonly type: "deployed"; readonly id: string; readonly where: string; readonly ids: Ids };
