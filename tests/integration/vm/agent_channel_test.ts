import assert from "node:assert/strict";
import { lockAgent, openAhead } from "../../../lib/vm/guest/agent_channel.ts";
import { guestFacts } from "../../../lib/vm/guest/guest_facts.ts";
import { withAgent } from "../../../lib/vm/monitor.ts";
import { agentServer } from "../../qemu/agent_server.ts";
import { agentVm } from "../../vm/agent_vm.ts";

Deno.test("the channel that was opened ahead serves the first talk, and its lock is free afterwards", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  await using server = await agentServer(({ execute }) => ({
    return:
      { "guest-get-osinfo": { id: "debian" }, "guest-get-host-name": { "host-name": "web" } }[execute] ?? [],
  }));
  await Deno.symlink(server.path, vm.files.agent);
  {
    await using channel = await openAhead(dirs.runtimeDir, "de");
    // It has the channel: with another one this would wait in vain.
    const facts = await guestFacts(dirs, vm, { channel, turnMs: 0 });
    assert.deepEqual([facts.id, facts.hostName, facts.users], ["debian", "web", []]);
    assert.equal(channel.take("demo"), undefined);
  }
  await using _lock = await lockAgent(dirs.runtimeDir, "demo", 0);
});

Deno.test("a channel that is not taken, or is another VM's, is given back", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  await using server = await agentServer(() => undefined);
  await Deno.symlink(server.path, vm.files.agent);
  {
    await using channel = await openAhead(dirs.runtimeDir, "demo");
    assert.equal(channel.take("demo2"), undefined);
    await assert.rejects(
      lockAgent(dirs.runtimeDir, "demo", 0),
      /Another pim talks to the guest agent of demo/,
    );
  }
  await using _lock = await lockAgent(dirs.runtimeDir, "demo", 0);
});

Deno.test("what is not there, not the only one of its kind or taken is not opened ahead", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  await using server = await agentServer(() => undefined);
  const taken = async (text: string, vmName: string) => {
    await using channel = await openAhead(dirs.runtimeDir, text);
    const opened = channel.take(vmName);
    opened?.conn.close();
    await opened?.lock[Symbol.asyncDispose]();
    return opened !== undefined;
  };
  assert.equal(await taken("demo", "demo"), false);
  await Deno.symlink(server.path, vm.files.agent);
  assert.equal(await taken("demo", "demo"), true);
  await Deno.symlink(server.path, place.at("dem.ga"));
  assert.deepEqual([await taken("de", "demo"), await taken("dem", "dem"), await taken("", "demo")], [
    false,
    true,
    false,
  ]);
  await using _lock = await lockAgent(dirs.runtimeDir, "demo", 0);
  assert.equal(await taken("demo", "demo"), false);
});

Deno.test("who waits long for an agent lets others have a turn", async () => {
  await using place = await agentVm();
  const { dirs, vm } = place;
  using _silent = Deno.listen({ transport: "unix", path: vm.files.agent });
  const waiting = assert.rejects(
    withAgent(dirs, vm, () => Promise.resolve(), { timeoutMs: 3500, turnMs: 10_000 }),
    /did not answer within 3\.5 s$/,
  );
  await new Promise((done) => setTimeout(done, 100)); // Until it has the first turn.
  const turn = await lockAgent(dirs.runtimeDir, "demo", 3400);
  await turn[Symbol.asyncDispose]();
  await waiting;
});
