import { runPim } from "./pim_command.ts";

/** Has pim forget all deployments, so that the next one is the first. */
export async function forgetDeployments(home: string): Promise<void> {
  const { stdout } = await runPim(home, ["deploy", "list", "--json"]);
  const ids = (JSON.parse(stdout) as { id: string }[]).map(({ id }) => id);
  if (ids.length > 0) await runPim(home, ["deploy", "remove", "--forget", ...ids]);
}
