import { Buffer } from "node:buffer";
import * as v from "valibot";
import type { AgentClient } from "./agent.ts";
import { askAgent } from "./agent_answer.ts";
import type { ExecuteOptions } from "./qmp.ts";

const handleSchema = v.number();
const writtenSchema = v.object({ count: v.number() });

/** Writes a small file or device in the guest, as root (QEMU docs: interop/qemu-ga-ref, guest-file-open). */
export async function writeGuestFile(
  agent: AgentClient,
  path: string,
  content: Uint8Array,
  options?: ExecuteOptions,
): Promise<void> {
  const handle = await askAgent(agent, "guest-file-open", { path, mode: "w" }, handleSchema, options);
  try {
    for (let rest = content; rest.length > 0;) {
      const args = { handle, "buf-b64": Buffer.from(rest).toString("base64") };
      const { count } = await askAgent(agent, "guest-file-write", args, writtenSchema, options);
      rest = rest.subarray(count);
    }
  } finally {
    await agent.execute("guest-file-close", { handle }, options);
  }
}
