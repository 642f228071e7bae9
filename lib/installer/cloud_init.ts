// The stages in which cloud-init runs at each boot, by the names that it announces on the console.
const stages: Record<string, string> = {
  "init-local": "looking for its data",
  "init": "setting up network, users and files",
  "modules:config": "configuring the system",
  "modules:final": "installing packages and running scripts",
};

/** What a line of the console tells of cloud-init's progress, in words; undefined for most lines. */
export function cloudInitMilestone(line: string): string | undefined {
  const [, stage, done] = /\bCloud-init v\. \S+ (?:running '([\w:-]+)'|(finished) at)/.exec(line) ?? [];
  if (done !== undefined) return "cloud-init has finished";
  return stage && `cloud-init: ${stages[stage] ?? stage}`;
}
