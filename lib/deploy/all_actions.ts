import type { Action, DeployPlan, Target } from "./target.ts";

/** An action as a plan names it; a verification is one too. */
export interface PlannedAction extends Pick<Action, "text"> {
  readonly phase: Action["phase"] | "verify";
}

/** What a deployment does in all: the actions of its plan, and its verification before the image is started for good. */
export function allActions(
  { actions }: Pick<DeployPlan, "actions">,
  opened: Target,
  verify: boolean,
): readonly PlannedAction[] {
  if (!verify) return actions;
  const text = opened.disk === undefined
    ? "verify it: start throw-away instances of it there, and check them"
    : "verify it: boot throw-away overlays of it here, and check them";
  const isStart = ({ phase }: Action) => phase === "start";
  return [
    ...actions.filter((action) => !isStart(action)),
    { phase: "verify", text },
    ...actions.filter(isStart),
  ];
}
