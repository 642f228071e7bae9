import type { Action, DeployPlan, Target } from "./target.ts";

/** An action as a plan names it; a verification is one too. */
export interface PlannedAction extends Pick<Action, "text"> {
  readonly phase: Action["phase"] | "verify";
}

/** Whether an action has to wait until the image was found right: it is started for good, or an older one goes. */
export function waitsForVerification({ phase }: Action): boolean {
  return phase === "start" || phase === "remove";
}

/** What a deployment does in all: the actions of its plan, and its verification among them. */
export function allActions(
  { actions }: Pick<DeployPlan, "actions">,
  opened: Target,
  verify: boolean,
): readonly PlannedAction[] {
  if (!verify) return actions;
  const text = opened.disk === undefined
    ? "verify it: start throw-away instances of it there, and check them"
    : "verify it: boot throw-away overlays of it here, and check them";
  return [
    ...actions.filter((action) => !waitsForVerification(action)),
    { phase: "verify", text },
    ...actions.filter(waitsForVerification),
  ];
}
