import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { quiesce } from "../../../lib/build/layers/quiesce.ts";
import { connectSsh } from "../../../lib/ssh/session.ts";
import { tempDir } from "../../base/temp.ts";
import { realAgent, realAgentMissing } from "../../qemu/real_agent.ts";
import { startSshd } from "../../ssh/sshd.ts";
import { places } from "../places.ts";
import { planned } from "../states.ts";
import { webConfig } from "./keyed_plan.ts";

/** Whether a guest with this agent answers and is frozen, and what it was told over SSH meanwhile. */
async function quieted(agent: string): Promise<{ agent: boolean; frozen: boolean; commands: string }> {
  await using dir = await tempDir({ commands: "" });
  await using place = await places(webConfig());
  await using build = await planned(place);
  await using sshd = await startSshd({
    config: [`ForceCommand echo "$SSH_ORIGINAL_COMMAND" >> ${join(dir.path, "commands")}`],
  });
  await using ssh = await connectSsh({
    host: "127.0.0.1",
    port: sshd.port,
    username: sshd.username,
    auth: [{ privateKey: sshd.key.privateKey }],
    timeoutMs: 10_000,
  });
  const workspace = { ...build.workspace, runtime: { ...build.workspace.runtime, agent } };
  await using guest = await quiesce({ workspace, ssh }, new AbortController().signal);
  const commands = await Deno.readTextFile(join(dir.path, "commands"));
  return { agent: guest.agent, frozen: guest.frozen, commands };
}

Deno.test("a guest without an agent is at least told over SSH to write out what it holds", async () => {
  deepEqual(await quieted("/nowhere/ga"), { agent: false, frozen: false, commands: "sync\n" });
});

Deno.test({
  name: "so is a guest whose agent answers but is not allowed to freeze its file systems",
  ignore: realAgentMissing,
  async fn() {
    await using agent = await realAgent({ refused: ["guest-fsfreeze-freeze", "guest-fsfreeze-thaw"] });
    deepEqual(await quieted(agent.path), { agent: true, frozen: false, commands: "sync\n" });
  },
});
