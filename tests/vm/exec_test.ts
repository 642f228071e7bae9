import assert from "node:assert/strict";
import { PimError } from "../../lib/errors.ts";
import { findProcess } from "../../lib/process_table.ts";
import { execInGuest, ProgramMissingError } from "../../lib/vm/guest/exec.ts";
import { guestOf } from "../../lib/vm/guest/guest.ts";
import { withAgent } from "../../lib/vm/monitor.ts";
import { agentServer } from "../qemu/agent_server.ts";
import { realAgent, realAgentMissing } from "../qemu/real_agent.ts";
import { agentVm } from "./agent_vm.ts";

const { signal } = new AbortController();
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);

/** The content of a file, as soon as there is any. */
async function written(path: string): Promise<string> {
  for (;;) {
    const content = await Deno.readTextFile(path).catch(() => "");
    if (content.endsWith("\n")) return content.trim();
    await new Promise((done) => setTimeout(done, 5));
  }
}

async function assertGone(...pids: string[]): Promise<void> {
  for (const pid of pids) assert.equal(await findProcess(Number(pid)), undefined, `process ${pid}`);
}

Deno.test({
  name: "a program's output, status and signal come back; one that is not there has a status of its own",
  ignore: realAgentMissing,
  async fn() {
    await using place = await agentVm();
    const { dirs, vm } = place;
    await using _agent = await realAgent({ path: vm.files.agent });
    const stdin = new TextEncoder().encode("in");
    const argv = ["sh", "-c", "cat; echo err >&2; exit 7"];
    const { endedBy, exit } = await execInGuest(guestOf(dirs, vm), { argv, stdin }, { signal });
    assert.deepEqual([endedBy, exit?.code, text(exit?.stdout), text(exit?.stderr)], [
      "itself",
      7,
      "in",
      "err\n",
    ]);
    for (const [program, status] of [["no-such-program", 127], ["/etc/passwd", 126]] as const) {
      await assert.rejects(execInGuest(guestOf(dirs, vm), { argv: [program] }, { signal }), (error) => {
        assert(error instanceof ProgramMissingError);
        assert.equal(error.status, status);
        return true;
      });
    }
  },
});

Deno.test({
  name: "while a long program runs, others have the agent in between",
  ignore: realAgentMissing,
  async fn() {
    await using place = await agentVm();
    const { dirs, vm } = place;
    await using _agent = await realAgent({ path: vm.files.agent });
    const [begun, go] = [place.at("begun"), place.at("go")];
    const argv = ["sh", "-c", `echo > '${begun}'; until [ -e '${go}' ]; do sleep 0.05; done; echo done`];
    const running = execInGuest(guestOf(dirs, vm), { argv }, { signal });
    await written(begun);
    const pong = await withAgent(dirs, vm, (agent) => agent.execute("guest-ping"), { timeoutMs: 10_000 });
    assert.deepEqual(pong, {});
    await Deno.writeTextFile(go, "");
    assert.equal(text((await running).exit?.stdout), "done\n");
  },
});

Deno.test({
  name: "a program is ended in the guest with all it started, when it is cancelled or takes too long",
  ignore: realAgentMissing,
  async fn() {
    await using place = await agentVm();
    const { dirs, vm } = place;
    await using _agent = await realAgent({ path: vm.files.agent });
    const [file, stop] = [place.at("pids"), new AbortController()];
    const argv = ["sh", "-c", `echo begun; sleep 1000 & echo $$ $! > '${file}'; wait; echo never`];
    const running = execInGuest(guestOf(dirs, vm), { argv }, { signal: stop.signal });
    const pids = (await written(file)).split(" ");
    stop.abort();
    const cancelled = await running;
    assert.deepEqual([cancelled.endedBy, cancelled.exit?.signal], ["cancel", 15]);
    assert.equal(text(cancelled.exit?.stdout), "begun\n");
    await assertGone(...pids);

    await Deno.remove(file);
    const late = await execInGuest(guestOf(dirs, vm), { argv }, { signal, timeoutMs: 2000 });
    assert.deepEqual([late.endedBy, text(late.exit?.stdout)], ["timeout", "begun\n"]);
    await assertGone(...(await written(file)).split(" "));
  },
});

Deno.test({
  name: "a program that does not heed SIGTERM is killed",
  ignore: realAgentMissing,
  async fn() {
    await using place = await agentVm();
    const { dirs, vm } = place;
    await using _agent = await realAgent({ path: vm.files.agent });
    const argv = ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"];
    const { endedBy, exit } = await execInGuest(guestOf(dirs, vm), { argv }, { signal, timeoutMs: 2000 });
    assert.deepEqual([endedBy, exit?.signal], ["timeout", 9]);
  },
});

Deno.test({
  name: "an agent that may not run programs says how it can be allowed to",
  ignore: realAgentMissing,
  async fn() {
    await using place = await agentVm();
    const { dirs, vm } = place;
    await using _agent = await realAgent({ path: vm.files.agent, refused: ["guest-exec"] });
    await assert.rejects(execInGuest(guestOf(dirs, vm), { argv: ["true"] }, { signal }), (error) => {
      assert(error instanceof PimError);
      assert.equal(error.message, "The guest agent of demo is set up to refuse guest-exec");
      assert.match(error.hint ?? "", /allow guest-exec and guest-exec-status: in \/etc\/sysconfig\/qemu-ga/);
      return true;
    });
  },
});

Deno.test("an agent that was restarted under a program is told as that", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  let polls = 0;
  await using server = await agentServer(({ execute }) => {
    if (execute === "guest-exec") return { return: { pid: 7 } };
    return ++polls < 3
      ? { return: { exited: false } }
      : { error: { class: "GenericError", desc: "Invalid parameter 'pid'" } };
  });
  await Deno.symlink(server.path, vm.files.agent);
  await assert.rejects(
    execInGuest(guestOf(dirs, vm), { argv: ["update"] }, { signal }),
    /^PimError: How update ended is not known: the guest agent of demo was restarted meanwhile$/,
  );
});

Deno.test("a VM that ends under a program is told as that", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  const server = await agentServer(({ execute }) => {
    if (execute === "guest-exec") return { return: { pid: 7 } };
    queueMicrotask(() => void server[Symbol.asyncDispose]());
    return undefined;
  });
  await Deno.symlink(server.path, vm.files.agent);
  await assert.rejects(
    execInGuest(guestOf(dirs, vm), { argv: ["poweroff"] }, { signal }),
    /^PimError: The VM demo ended while poweroff ran in it$/,
  );
});

Deno.test("an agent that does not answer is told of in time, with what was asked", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  await assert.rejects(
    execInGuest(guestOf(dirs, vm), { argv: ["true"] }, { signal, agentTimeoutMs: 50 }),
    /^AgentMissingError: The guest agent of demo cannot be reached: Cannot connect to .*demo\.ga: there is no such/,
  );
  using _silent = Deno.listen({ transport: "unix", path: vm.files.agent });
  const startMs = performance.now();
  await assert.rejects(
    execInGuest(guestOf(dirs, vm), { argv: ["true"] }, { signal, agentTimeoutMs: 50 }),
    /it was asked on .*demo\.ga and did not answer within 0\.05 s$/,
  );
  assert(performance.now() - startMs < 20_000);
});
