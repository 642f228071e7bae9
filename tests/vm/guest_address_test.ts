import assert from "node:assert/strict";
import { exitCode, PimError } from "../../lib/errors.ts";
import { configureLog } from "../../lib/log.ts";
import { filesOfVm, runtimeFiles } from "../../lib/paths.ts";
import type { GuestInterface } from "../../lib/qemu/agent_commands.ts";
import { awaitGuestAddress, reachableAddress } from "../../lib/vm/guest/guest_address.ts";
import type { VmDefinition } from "../../lib/vm/definition.ts";
import type { RunningVm } from "../../lib/vm/vms.ts";
import { tempDir } from "../base/temp.ts";
import { agentServer } from "../qemu/agent_server.ts";
import { type FakeServer, fakeServer } from "../qemu/fake_server.ts";

const mac = "52:54:00:12:34:56";
const on = (name: string, hardwareAddress: string | undefined, ...addresses: string[]): GuestInterface => ({
  name,
  ...(hardwareAddress !== undefined && { hardwareAddress }),
  addresses: addresses.map((address) => ({
    address,
    family: address.includes(":") ? "ipv6" : "ipv4",
    prefix: 24,
  })),
});
const loopback = on("lo", undefined, "127.0.0.1", "::1");

Deno.test("the address of the VM's own card comes before those of bridges in the guest, IPv4 before IPv6", () => {
  const docker = on("docker0", "02:42:ac:11:00:02", "172.17.0.1");
  const card = on("ens3", mac.toUpperCase(), "fe80::1", "2001:db8::7", "192.0.2.7");
  assert.equal(reachableAddress([loopback, docker, card], mac), "192.0.2.7");
  assert.equal(reachableAddress([loopback, on("ens3", mac, "fe80::1", "2001:db8::7")], mac), "2001:db8::7");
  // The card is there and has none yet: that of the bridge would lead nowhere.
  assert.equal(reachableAddress([loopback, docker, on("ens3", mac, "169.254.3.4")], mac), undefined);
  // A guest whose card was given another MAC address.
  assert.equal(reachableAddress([loopback, on("eth0", "aa:bb:cc:dd:ee:ff", "10.0.0.9")], mac), "10.0.0.9");
  assert.equal(reachableAddress([loopback], mac), undefined);
  assert.equal(reachableAddress([loopback, on("eth0", mac, "10.0.0.9")]), "10.0.0.9");
});

/** A guest agent that tells of one more of these each time it is asked; the last stays. */
function agent(answers: readonly (readonly string[])[]): Promise<FakeServer> {
  let asked = 0;
  return fakeServer(async (peer) => {
    for (let request = await peer.request(); request !== undefined; request = await peer.request()) {
      const { execute, arguments: args } = request as { execute: string; arguments?: { id?: number } };
      if (execute === "guest-sync-delimited") {
        await peer.write(
          new Uint8Array([0xff, ...new TextEncoder().encode(`{"return": ${args?.id}}\n`)]),
        );
        continue;
      }
      assert.equal(execute, "guest-network-get-interfaces");
      const addresses = answers[Math.min(asked++, answers.length - 1)] ?? [];
      await peer.write(`${
        JSON.stringify({
          return: [{
            name: "ens3",
            "hardware-address": mac,
            "ip-addresses": addresses.map((address) => ({
              "ip-address": address,
              "ip-address-type": "ipv4",
              prefix: 24,
            })),
          }],
        })
      }\n`);
    }
  });
}

function vmWith(agentSocket: string, dir: string): RunningVm {
  return {
    name: "demo",
    pid: Deno.pid,
    files: { ...runtimeFiles(dir, "demo"), agent: agentSocket },
    folder: filesOfVm(dir),
    definition: { macAddress: mac } as VmDefinition,
    record: undefined,
    problem: undefined,
  };
}

Deno.test("a guest that has no address yet is asked until it has one", async () => {
  await using dir = await tempDir();
  await using server = await agent([[], ["169.254.1.1"], ["192.0.2.7"]]);
  const dirs = { vmsDir: dir.path, runtimeDir: dir.path };
  const limits = { timeoutMs: 20_000, signal: new AbortController().signal };
  const lines: string[] = [];
  configureLog({ write: (line) => lines.push(line) });
  assert.equal(await awaitGuestAddress(dirs, vmWith(server.path, dir.path), limits), "192.0.2.7");
  assert.deepEqual(lines, ["Waiting for an address of demo"]);
});

Deno.test("an agent that may not tell of addresses is told of, with how to let it", async () => {
  await using dir = await tempDir();
  await using server = await agentServer(({ execute }) => ({
    error: { class: "CommandNotFound", desc: `Command ${execute} has been disabled` },
  }));
  const dirs = { vmsDir: dir.path, runtimeDir: dir.path };
  const limits = { timeoutMs: 20_000, signal: new AbortController().signal };
  await assert.rejects(awaitGuestAddress(dirs, vmWith(server.path, dir.path), limits), (error) => {
    assert(error instanceof PimError);
    assert.equal(error.message, "The guest agent of demo is set up to refuse guest-network-get-interfaces");
    assert.match(error.hint ?? "", /qemu-ga\.conf.*pim console demo$/);
    return true;
  });
});

Deno.test("a guest that gets no address is given up in time", async () => {
  await using dir = await tempDir();
  await using server = await agent([[]]);
  const dirs = { vmsDir: dir.path, runtimeDir: dir.path };
  const limits = { timeoutMs: 600, signal: new AbortController().signal };
  await assert.rejects(awaitGuestAddress(dirs, vmWith(server.path, dir.path), limits), (error) => {
    assert(error instanceof PimError);
    assert.equal(error.exitCode, exitCode.timeout);
    assert.match(error.message, /^demo has had no address in its network within 0\.6 s$/);
    return true;
  });
});
