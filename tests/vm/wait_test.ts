import assert from "node:assert/strict";
import { exitCode } from "../../lib/errors.ts";
import { SshError } from "../../lib/ssh/errors.ts";
import type { RunRecord } from "../../lib/vm/run_record.ts";
import { waitForGuest } from "../../lib/vm/wait.ts";
import { agentServer } from "../qemu/agent_server.ts";
import { agentVm } from "./agent_vm.ts";

Deno.test("the SSH of a VM in the host's network is waited for at the address that its agent tells", async () => {
  await using place = await agentVm();
  const { dirs, vm, at } = place;
  await using server = await agentServer(() => ({
    return: [{
      name: "ens3",
      // Of a network for examples, where nobody answers (RFC 5737).
      "ip-addresses": [{ "ip-address": "192.0.2.7", "ip-address-type": "ipv4", prefix: 24 }],
    }],
  }));
  await Deno.symlink(server.path, vm.files.agent);
  const record = { argv: [], definition: { guestSshPort: 2200 } } as unknown as RunRecord;
  const places = { ...dirs, cacheDir: at("cache"), images: { registryPath: at("r"), imageDir: at("i") } };
  const started = { vm, record, ended: new Promise<never>(() => {}) };
  const limits = { timeoutMs: 1500, signal: new AbortController().signal };
  await assert.rejects(waitForGuest(places, started, "ssh", limits), (error) => {
    assert(error instanceof SshError);
    assert.match(error.message, /^No SSH at 192\.0\.2\.7:2200 within 1\.5 s: nothing answers on the port$/);
    assert.match(error.hint ?? "", /pim log demo.*pim console demo$/);
    assert.equal(error.exitCode, exitCode.timeout);
    return true;
  });
});
