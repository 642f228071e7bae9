import assert from "node:assert/strict";
import { connectAgent } from "../../lib/qemu/agent.ts";
import { refreshGuest } from "../../lib/qemu/resumed_guest.ts";
import { type AgentRequest, agentServer } from "./agent_server.ts";

const timeMs = 1_795_417_235_392;
const seed = new Uint8Array([1, 2, 3]);

/** Refreshes a guest whose agent answers so, and returns what it was asked. */
async function refreshWith(answer: (request: AgentRequest) => unknown): Promise<AgentRequest[]> {
  const asked: AgentRequest[] = [];
  await using server = await agentServer((request) => {
    asked.push(request);
    return answer(request);
  });
  await using agent = await connectAgent(server.path);
  await refreshGuest(agent, { timeMs, seed });
  return asked;
}

const others: Record<string, unknown> = {
  "guest-set-time": {},
  "guest-file-open": 7,
  "guest-file-write": { count: 3 },
  "guest-file-close": {},
};

/** That the clock and the seed went in by commands of their own. */
function assertOtherWay(asked: readonly AgentRequest[]): void {
  const [time, open, write, close] = asked;
  assert.deepEqual(time, { execute: "guest-set-time", arguments: { time: timeMs * 1_000_000 } });
  assert.deepEqual(open?.arguments, { path: "/dev/urandom", mode: "w" });
  assert.deepEqual(write?.arguments, { handle: 7, "buf-b64": "AQID" });
  assert.equal(close?.execute, "guest-file-close");
}

Deno.test("a resumed guest gets the time and its seed in one program", async () => {
  let polls = 0;
  const asked = await refreshWith(({ execute }) => {
    if (execute === "guest-exec") return { return: { pid: 42 } };
    return { return: { exited: ++polls === 2, exitcode: 0 } };
  });
  assert.deepEqual(asked.map(({ execute }) => execute), [
    "guest-exec",
    "guest-exec-status",
    "guest-exec-status",
  ]);
  const { path, arg, "input-data": input } = asked[0]?.arguments as Record<string, unknown>;
  assert.equal(path, "/bin/sh");
  assert.deepEqual((arg as string[]).slice(2), ["sh", "1795417235.392"]);
  assert.equal(input, "AQID");
});

Deno.test("where the agent may not run programs, or the guest has no date, its own commands do", async () => {
  const refused = await refreshWith(({ execute }) =>
    execute === "guest-exec"
      ? { error: { class: "CommandNotFound", desc: "The command guest-exec has been disabled" } }
      : { return: others[execute] }
  );
  assertOtherWay(refused.slice(1));
  const failed = await refreshWith(({ execute }) => {
    if (execute === "guest-exec") return { return: { pid: 42 } };
    if (execute === "guest-exec-status") return { return: { exited: true, exitcode: 127 } };
    return { return: others[execute] };
  });
  assertOtherWay(failed.slice(2));
});
