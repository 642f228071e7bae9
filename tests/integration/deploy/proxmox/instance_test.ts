// Instances at stand-ins of Proxmox VE, by its API and by qm; the agent that answers in them is a real one, on this host.
import assert from "node:assert/strict";
import { removeDeployment } from "../../../../lib/deploy/deploy.ts";
import { agentError, protocolStatus } from "../../../../lib/deploy/proxmox/guest_agent.ts";
import type { Ids } from "../../../../lib/deploy/target.ts";
import type { Verifying } from "../../../../lib/deploy/verify.ts";
import { PimError } from "../../../../lib/errors.ts";
import { putDeployment } from "../../../../lib/image/deployments.ts";
import { configureLog } from "../../../../lib/log.ts";
import { registryFile } from "../../../../lib/paths.ts";
import { resolveProfile } from "../../../../lib/profile/resolved.ts";
import { QmpClosedError, QmpCommandError } from "../../../../lib/qemu/qmp_error.ts";
import type { Check } from "../../../../lib/verify/verification.ts";
import type { DeployFixture } from "../../../deploy/fixture.ts";
import { verifyingWith } from "../../../deploy/verifying.ts";
import { realAgentMissing } from "../../../qemu/real_agent.ts";
import { withPve, yaml } from "./pve_by_api.ts";
import { withHost } from "./pve_by_ssh.ts";
import type { GuestAgents } from "./proxmox_guest.ts";

configureLog({ write: () => {} });

/** A stand-in, whichever way it is reached. */
interface Place {
  readonly fixture: DeployFixture;
  readonly yaml: string;
  readonly agents: GuestAgents;
  /** The ids of all VMs. */
  vms(): readonly string[];
  /** Gives an id to a VM that is not pim's. */
  take(vmid: string): void;
}

const modes: Readonly<Record<string, (work: (place: Place) => Promise<void>) => Promise<void>>> = {
  "the API": (work) =>
    withPve((fixture, pve) =>
      work({
        ...{ fixture, yaml: yaml(pve), agents: pve.agents },
        vms: () => [...pve.vms.keys()].map(String),
        take: (vmid) =>
          void pve.vms.set(Number(vmid), {
            vmid: Number(vmid),
            template: false,
            config: { name: "production" },
          }),
      })
    ),
  qm: (work) =>
    withHost(({ fixture, state, yaml }) =>
      work({
        ...{ fixture, yaml: yaml(), agents: state.agents },
        vms: () => Object.keys(state.vms),
        take: (vmid) => void (state.vms[vmid] = { template: false, config: { name: "production" } }),
      })
    ),
};

function verifying({ paths }: DeployFixture, bootTimeoutMs: number): Verifying {
  const images = { registryPath: registryFile(paths), imageDir: paths.dataDir };
  const dirs = { vmsDir: paths.dataDir, runtimeDir: paths.dataDir, cacheDir: paths.cacheDir };
  return verifyingWith({ ...dirs, images }, bootTimeoutMs);
}

for (const [mode, withPlace] of Object.entries(modes)) {
  Deno.test({
    name: `what was deployed is checked in linked clones, by ${mode}, and they are destroyed`,
    ignore: realAgentMissing,
    fn: () =>
      withPlace(async ({ fixture, yaml, agents, vms }) => {
        const { dir } = fixture;
        const said = "#!/bin/sh\necho \"$PIM_VAR_WORD – grüße, 'zwei  Worte' €\"\n";
        const path = await dir.write("web.sh", said);
        const profile = resolveProfile("web", { username: "root", hostname: Deno.hostname() }, "amd64");
        const all = verifying(fixture, 30_000);
        const script = { name: "web", path, env: { PIM_VAR_WORD: "a'b €" } };
        const checks = new Map<string, Check>();
        const running: string[] = [];
        let agent: Promise<void> | undefined;
        const deploying = fixture.deploy(await fixture.target(yaml), {
          verifying: { ...all, subject: { ...all.subject, profile, script } },
          onEvent(event) {
            if (event.type === "check") checks.set(event.check.name, event.check);
            if (event.type !== "verifying") return;
            // The agent answers some time after the start.
            if (event.text.startsWith("waiting")) agent ??= agents.start();
            running.push(...vms().filter((vmid) => vmid !== "100"));
          },
        });
        await assert.rejects(deploying, { name: "VerificationError", exitCode: 8 });
        await agent;
        const result = (name: string) => [checks.get(name)?.result, checks.get(name)?.detail];
        assert.equal(result("guest agent")[0], "passed");
        assert.deepEqual(result("user"), ["passed", "root"]);
        assert.deepEqual(result("host name"), ["passed", Deno.hostname()]);
        assert.deepEqual(result("script web"), ["passed", "a'b € – grüße, 'zwei  Worte' €"]);
        for (const name of ["SSH", "login"]) {
          assert.deepEqual(result(name), [
            ...["skipped", "an instance at a target is asked through its guest agent alone"],
          ]);
        }
        // Both clones are this very host.
        assert.equal(result("machine-id")[0], "failed");
        assert.deepEqual([running, vms()], [["101"], ["100"]]);
        const [kept] = await fixture.deployments();
        assert.deepEqual([kept?.state, kept?.verified?.ok, kept?.ids.instance], ["done", false, undefined]);
      }),
  });

  Deno.test(`an instance whose agent never answers fails the verification, by ${mode}, and goes like one that is cancelled`, () =>
    withPlace(async ({ fixture, yaml, vms }) => {
      const target = await fixture.target(yaml);
      await assert.rejects(fixture.deploy(target, { verifying: verifying(fixture, 700) }), {
        name: "VerificationError",
        message:
          /^The deployment there\/web-\S+ is not as it shall be: 2 of 12 checks failed: boot, guest agent$/,
      });
      assert.deepEqual(vms(), ["100"]);
      const abort = new AbortController();
      const cancelled = fixture.deploy(target, {
        verifying: verifying(fixture, 60_000),
        signal: abort.signal,
        onEvent: (event) => event.type === "verifying" && event.text.startsWith("waiting") && abort.abort(),
      });
      await assert.rejects(cancelled, { name: "CancelledError" });
      const [kept] = await fixture.deployments();
      assert.deepEqual([vms(), kept?.ids.instance], [["100"], undefined]);
    }));

  Deno.test(`an instance that a killed pim has left is destroyed, by ${mode}, and never a VM that has got its id`, () =>
    withPlace(async ({ fixture, yaml, vms, take }) => {
      const target = await fixture.target(yaml);
      const deployment = await fixture.deploy(target);
      const kill = async () => {
        await using opened = target.open(fixture.tools());
        let ids: Ids = deployment.ids;
        await opened.startInstance!(fixture.image, {
          ...{ ids, signal: new AbortController().signal, workDir: fixture.dir.path },
          made(more) {
            ids = { ...ids, ...more };
            return Promise.resolve();
          },
        });
        await putDeployment(registryFile(fixture.paths), { ...deployment, ids });
      };
      await kill();
      assert.deepEqual(vms(), ["100", "101"]);
      const late = verifying(fixture, 100);
      await assert.rejects(fixture.deploy(target, { verifying: late }), { name: "VerificationError" });
      assert.deepEqual(vms(), ["100"]);
      await putDeployment(registryFile(fixture.paths), {
        ...deployment,
        ids: { ...deployment.ids, instance: "101" },
      });
      take("101");
      const [left] = await fixture.deployments();
      await removeDeployment(left!, target, { paths: fixture.paths, tools: fixture.tools() });
      assert.deepEqual(vms(), ["101"]);
    }));
}

Deno.test("what a token may not do is told before and when it is done, and no instance is left", () =>
  withPve(async (fixture, pve) => {
    const target = await fixture.target(yaml(pve, "  verify: true\n"));
    assert.equal(target.verify, true);
    pve.rules.lacks = ["/vms VM.Monitor", "/vms VM.Clone"];
    await using opened = target.open(fixture.tools());
    const privileges = async (verify: boolean) =>
      (await opened.check({ verify })).find(({ name }) => name === "privileges")?.detail;
    assert.equal(await privileges(false), "the token has all of them");
    assert.equal(await privileges(true), "the token lacks /vms: VM.Clone VM.Monitor");
    const fails = async (message: RegExp) => {
      await assert.rejects(
        fixture.deploy(target, { verifying: verifying(fixture, 60_000) }),
        (error: PimError) => {
          assert.match(error.message, message);
          assert.equal(error.exitCode, 9);
          return true;
        },
      );
      assert.deepEqual([...pve.vms.keys()], [100]);
      const [kept] = await fixture.deployments();
      assert.deepEqual([kept?.state, kept?.verified, kept?.ids.instance], ["done", undefined, undefined]);
    };
    await fails(/Cannot start an instance of the template: .*\(\/vms, VM\.Clone\)/);
    pve.rules.lacks = ["/vms VM.Monitor"];
    await fails(/Cannot ask the guest agent of the VM 101: .*\(\/vms, VM\.Monitor\)/);
    pve.rules.lacks = [];
    pve.rules.taskFails.qmstart = "start failed: QEMU exited with code 1";
    await fails(/Cannot start the VM 101: start failed: QEMU exited with code 1/);
  }));

Deno.test("what Proxmox VE says of a guest agent becomes the words of the protocol", () => {
  const said = (message: string) => agentError("guest-exec", new PimError(`pve answers 500: ${message}`));
  for (
    const message of [
      ...["QEMU guest agent is not running", "VM 101 is not running"],
      "VM 101 qmp command 'guest-ping' failed - got timeout",
    ]
  ) assert.ok(said(message) instanceof QmpClosedError, message);
  const refused = said("Agent error: The command guest-exec has been disabled for this instance");
  assert.ok(refused instanceof QmpCommandError);
  assert.equal(refused.errorClass, "CommandNotFound");
  assert.ok(!(said("Permission check failed (/vms/101, VM.Monitor)") instanceof QmpClosedError));
  const status = protocolStatus({
    exited: 1,
    exitcode: 0,
    "out-data": "\u00e2\u0082\u00ac",
    "err-truncated": 0,
  });
  assert.deepEqual(status, {
    ...{ exited: true, exitcode: 0, "out-data": btoa("\u00e2\u0082\u00ac"), "err-data": undefined },
    ...{ "out-truncated": false, "err-truncated": false },
  });
});
