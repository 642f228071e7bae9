import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { PimError } from "../../lib/errors.ts";
import { connectAgent } from "../../lib/qemu/agent.ts";
import { type Relay, relayedAgent } from "../../lib/qemu/agent_relay.ts";
import { QmpClosedError, QmpCommandError } from "../../lib/qemu/qmp_error.ts";
import { runGuestCheck } from "../../lib/verify/guest_check.ts";
import { type Instance, instanceMachine } from "../../lib/verify/instance.ts";
import { passed } from "../../lib/verify/verification.ts";
import { realAgent, realAgentMissing } from "../qemu/real_agent.ts";

const { signal } = new AbortController();

/** An instance whose agent is behind a relay of the test's. */
function instance(relay: Relay, running: () => boolean = () => true): Instance {
  return {
    ...{ name: "there", startedMs: performance.now(), agent: relayedAgent(relay) },
    isRunning: () => Promise.resolve(running()),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

const silence: Relay = () => Promise.reject(new QmpClosedError("the agent is not connected"));

Deno.test({
  name:
    "checks go through an agent that others talk to for us, which is waited for once and not pinged again",
  ignore: realAgentMissing,
  async fn() {
    await using real = await realAgent();
    await using client = await connectAgent(real.path);
    const asked: string[] = [];
    const machine = instanceMachine(instance(async (command, args, options) => {
      asked.push(command);
      // Not there at the first try.
      return asked.length === 1
        ? await silence(command, args, options)
        : await client.execute(command, args, options);
    }));
    const { agent, ssh } = await machine.observe({ timeoutMs: 20_000, signal });
    ok("afterMs" in agent && agent.afterMs > 0);
    match("untried" in ssh ? ssh.untried : "", /guest agent alone/);
    const check = (script: string, timeoutMs = 10_000) => ({
      ...{ name: "x", script, timeoutMs },
      judge: ({ stdout }: { readonly stdout: string }) => passed(stdout),
    });
    deepStrictEqual(await runGuestCheck(machine.root, check("printf '%s' right"), signal), passed("right"));
    await runGuestCheck(machine.root, check("true"), signal);
    strictEqual(
      asked.filter((command) => command === "guest-ping").length,
      3,
      "two of the observation, one of the checks",
    );
    const late = await runGuestCheck(machine.root, check("echo so far; sleep 600", 2000), signal);
    deepStrictEqual(late, { result: "failed", detail: "not done within 2 s; it last said: so far" });
  },
});

Deno.test("a check has failed when the agent falls silent, and cannot be made when the agent refuses it", async () => {
  const check = { name: "x", script: "true", timeoutMs: 300, judge: () => passed("") };
  const made = (relay: Relay) => runGuestCheck(instanceMachine(instance(relay)).root, check, signal);
  deepStrictEqual(await made(silence), {
    result: "failed",
    detail: "The guest agent of there did not answer within 0.3 s",
  });
  const refusal: Relay = (command) =>
    command === "guest-ping" ? Promise.resolve({}) : Promise.reject(
      new QmpCommandError(command, "CommandNotFound", `Command ${command} has been disabled`),
    );
  deepStrictEqual(await made(refusal), {
    result: "skipped",
    detail: "The guest agent of there is set up to refuse guest-exec",
  });
});

Deno.test("an instance that says nothing, one that ends by itself, and a target that says no", async () => {
  const observe = async (relay: Relay, running?: () => boolean) =>
    (await instanceMachine(instance(relay, running)).observe({ timeoutMs: 700, signal })).agent;
  deepStrictEqual(await observe(silence), { missing: "no answer within 0.7 s" });
  deepStrictEqual(await observe(silence, () => false), { missing: "the machine ended by itself" });
  const refused = new PimError("you may not ask the agent");
  await rejects(observe(() => Promise.reject(refused)), refused);
  const { root } = instanceMachine(instance(silence));
  await rejects(root.run({ argv: ["true"] }, { timeoutMs: 10, signal }), {
    message: "The guest agent of there did not answer within 0.01 s",
  });
});
