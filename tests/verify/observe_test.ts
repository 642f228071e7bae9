import { deepStrictEqual, ok, rejects } from "node:assert/strict";
import { CancelledError } from "../../lib/errors.ts";
import { observe } from "../../lib/verify/observe.ts";
import { realAgent, realAgentMissing } from "../qemu/real_agent.ts";
import { fakeBooted } from "./booted.ts";

const { signal } = new AbortController();

/** A server that greets as sshd does. */
function sshServer(): Disposable & { readonly port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const conn of listener) {
      await conn.write(new TextEncoder().encode("SSH-2.0-test\r\n")).catch(() => {});
      conn.close();
    }
  })();
  return { port: listener.addr.port, [Symbol.dispose]: () => listener.close() };
}

Deno.test({
  name: "agent and SSH are told with the time at which they answered",
  ignore: realAgentMissing,
  async fn() {
    using ssh = sshServer();
    await using place = await fakeBooted(ssh.port);
    await using _agent = await realAgent({ path: place.agentSocket });
    const observed = await observe(place.fresh, { timeoutMs: 20_000, signal });
    ok("afterMs" in observed.agent && "afterMs" in observed.ssh, JSON.stringify(observed));
    ok(observed.ssh.afterMs > 0 && observed.ssh.afterMs < 20_000);
  },
});

Deno.test("when SSH has answered, an agent that never will is not waited for until the deadline", async () => {
  using ssh = sshServer();
  await using place = await fakeBooted(ssh.port);
  // QEMU's end of the channel is there, and nobody in the guest answers.
  using _channel = Deno.listen({ transport: "unix", path: place.agentSocket });
  const { agent, ssh: answered } = await observe(place.fresh, { timeoutMs: 60_000, signal, graceMs: 1000 });
  ok("afterMs" in answered);
  deepStrictEqual(agent, { missing: "no answer within 1 s after the other one's" });
});

Deno.test("a console that tells of a dead system ends the waiting", async () => {
  await using place = await fakeBooted(1);
  using _channel = Deno.listen({ transport: "unix", path: place.agentSocket });
  const observing = observe(place.fresh, { timeoutMs: 60_000, signal });
  const line = "[    2.1] Kernel panic - not syncing: No working init found.\r\n";
  await Deno.writeTextFile(place.serialLog, `booting\r\n${line}`, { append: true });
  const missing = { missing: `the console says: ${line.trim()}` };
  deepStrictEqual(await observing, { agent: missing, ssh: missing });
});

Deno.test("a guest that says nothing in time, and a wait that is cancelled", async () => {
  await using place = await fakeBooted(1);
  using _channel = Deno.listen({ transport: "unix", path: place.agentSocket });
  const { agent, ssh } = await observe(place.fresh, { timeoutMs: 400, signal });
  deepStrictEqual([agent, ssh], [{ missing: "no answer within 0.4 s" }, {
    missing: "no answer within 0.4 s",
  }]);
  const cancel = new AbortController();
  const observing = observe(place.fresh, { timeoutMs: 60_000, signal: cancel.signal });
  cancel.abort(new CancelledError());
  await rejects(observing, CancelledError);
});
