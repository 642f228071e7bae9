import assert from "node:assert/strict";
import { type AgentClient, connectAgent } from "../../lib/qemu/agent.ts";
import { type GuestExit, programExit, startProgram } from "../../lib/qemu/agent_exec.ts";
import { QmpCommandError, QmpProtocolError } from "../../lib/qemu/qmp_error.ts";
import { agentServer } from "./agent_server.ts";
import { type RealAgent, realAgent, realAgentMissing } from "./real_agent.ts";

Deno.test("a program is started with its input and told of until it has ended", async () => {
  let polls = 0;
  let request: unknown;
  await using server = await agentServer(({ execute, arguments: args }) => {
    if (execute === "guest-exec") {
      request = args;
      return { return: { pid: 42 } };
    }
    assert.deepEqual(args, { pid: 42 });
    if (++polls < 2) return { return: { exited: false } };
    return {
      return: {
        exited: true,
        exitcode: 3,
        "out-data": btoa("out\n"),
        "err-data": "/w==",
        "err-truncated": true,
      },
    };
  });
  await using agent = await connectAgent(server.path);
  const stdin = new TextEncoder().encode("hi");
  assert.equal(await startProgram(agent, { argv: ["/bin/cat", "-"], stdin }), 42);
  assert.deepEqual(request, {
    path: "/bin/cat",
    arg: ["-"],
    "capture-output": true,
    "input-data": btoa("hi"),
  });
  assert.equal(await programExit(agent, 42), undefined);
  assert.deepEqual(await programExit(agent, 42), {
    code: 3,
    signal: undefined,
    stdout: new TextEncoder().encode("out\n"),
    stderr: new Uint8Array([0xff]),
    truncated: ["stderr"],
  });
});

Deno.test("output that is no base64 is an error of the protocol", async () => {
  await using server = await agentServer(() => ({ return: { exited: true, exitcode: 0, "out-data": "%" } }));
  await using agent = await connectAgent(server.path);
  await assert.rejects(programExit(agent, 1), QmpProtocolError);
});

async function runToEnd(agent: AgentClient, argv: readonly string[], stdin?: Uint8Array): Promise<GuestExit> {
  const pid = await startProgram(agent, { argv, stdin });
  for (;;) {
    const exit = await programExit(agent, pid);
    if (exit !== undefined) return exit;
  }
}

Deno.test({
  name: "a real guest agent runs programs, with all bytes as they are",
  ignore: realAgentMissing,
  async fn() {
    await using server: RealAgent = await realAgent();
    await using agent = await connectAgent(server.path);
    const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);
    const exit = await runToEnd(agent, ["/bin/sh", "-c", "cat; echo e >&2; exit 3"], everyByte);
    assert.deepEqual(exit, {
      code: 3,
      signal: undefined,
      stdout: everyByte,
      stderr: new TextEncoder().encode("e\n"),
      truncated: [],
    });
    const killed = await runToEnd(agent, ["/bin/sh", "-c", "kill -9 $$"]);
    assert.deepEqual([killed.code, killed.signal], [undefined, 9]);
    await assert.rejects(startProgram(agent, { argv: ["no-such-program"] }), (error) => {
      assert(error instanceof QmpCommandError);
      assert.match(error.description, /No such file/);
      return true;
    });
  },
});

Deno.test({
  name: "a real guest agent cuts off output beyond 16 MiB, and says so",
  ignore: realAgentMissing,
  async fn() {
    await using server: RealAgent = await realAgent();
    await using agent = await connectAgent(server.path);
    const { stdout, truncated } = await runToEnd(agent, ["head", "-c", `${20 * 1024 * 1024}`, "/dev/zero"]);
    assert.equal(stdout.length, 16 * 1024 * 1024);
    assert.deepEqual(truncated, ["stdout"]);
  },
});
