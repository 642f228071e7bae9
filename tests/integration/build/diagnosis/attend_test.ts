import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { attend, type Scene } from "../../../../lib/build/diagnosis/attend.ts";
import { DiagnosedError, type ReasonCode } from "../../../../lib/build/diagnosis/reason.ts";
import type { Watch } from "../../../../lib/build/diagnosis/watch.ts";
import { ScriptError } from "../../../../lib/build/guest/script.ts";
import { CancelledError, exitCode, PimError } from "../../../../lib/errors.ts";
import { SshError } from "../../../../lib/ssh/errors.ts";
import { sizeOfPng } from "../../../../lib/vm/screenshot/png.ts";
import { type SmallMachine, smallMachine } from "../../../build/diagnosis/small_machine.ts";

const { signal } = new AbortController();

function scene(it: SmallMachine, phase: Scene["phase"]): Scene {
  return { plan: it.plan, workspace: it.workspace, machine: it.machine, phase, deadlineMs: 60_000 };
}

/** How work that fails is explained. */
async function explained(
  phase: Scene["phase"],
  work: (it: SmallMachine, watch: Watch) => Promise<unknown>,
  profile = "",
): Promise<DiagnosedError> {
  await using it = await smallMachine(profile);
  let found: DiagnosedError | undefined;
  await rejects(attend(scene(it, phase), signal, (_signal, watch) => work(it, watch)), (error) => {
    ok(error instanceof DiagnosedError, String(error));
    found = error;
    return true;
  });
  ok(found);
  return found;
}

Deno.test("work that succeeds is left alone, and QEMU's argv is kept for each phase", async () => {
  await using it = await smallMachine();
  equal(await attend(scene(it, "boot"), signal, () => Promise.resolve(42)), 42);
  equal(await attend(scene(it, "script"), signal, () => Promise.resolve(43)), 43);
  const argv = await Deno.readTextFile(it.workspace.files.argv);
  match(argv, /^# boot\n\S*qemu-system-x86_64 -name guest=web-amd64-\S+ .* -S\n$/);
});

Deno.test("a failure leaves a picture of the display and the agent's silence as evidence", async () => {
  await using it = await smallMachine();
  await rejects(
    attend(
      scene(it, "script"),
      signal,
      () => Promise.reject(new PimError("it is what it is", { hint: "so" })),
    ),
    (error) => {
      ok(error instanceof DiagnosedError);
      deepEqual([error.message, error.hint, error.reason.code], ["it is what it is", "so", "failed"]);
      deepEqual(error.evidence.agent, { answers: false, addresses: [] });
      return true;
    },
  );
  ok(sizeOfPng(await Deno.readFile(it.workspace.files.screenshot)));
});

Deno.test("a script that fails is told with its status, its last lines and exit code 7", async () => {
  const lines = ["one", "the disk is on fire"];
  const error = await explained("script", () => Promise.reject(new ScriptError("web", 3, lines, false)));
  deepEqual([error.reason.code, error.exitCode], ["script-failed", exitCode.provisioning]);
  equal(
    error.message,
    "The script web exited with 3. Its last lines:\n  | one\n  | the disk is on fire",
  );
});

Deno.test("a script that hangs is given up, and the connection's end is not what is told", async () => {
  const error = await explained("script", async (_it, watch) => {
    watch.see({ script: { name: "web", last: ["waiting for something"] } });
    return await new Promise(() => {});
  }, "build: { stallMinutes: 0.005 }");
  equal(error.reason.code, "script-hung");
  match(error.message, /^The script web hangs: for \d+ s it wrote nothing, and the guest was idle/);
  match(error.message, /Its last lines:\n {2}\| waiting for something$/);
});

const code = async (phase: Scene["phase"], thrown: unknown): Promise<ReasonCode> =>
  (await explained(phase, (_it, watch) => {
    watch.see({ ssh: { user: "ann", stage: "login refused" } });
    return Promise.reject(thrown);
  })).reason.code;

Deno.test("logins that stay refused, and those that never came about, are told apart", async () => {
  equal(await code("boot", new SshError("auth", "SSH login as ann was refused")), "login-refused");
  const late = await explained("boot", (it, watch) => {
    watch.see({ ssh: { user: "ann", stage: "port open" } });
    return it.serial("web login: ").then(() => Promise.reject(new SshError("timeout", "No SSH login")));
  });
  equal(late.reason.code, "no-ssh");
  match(
    late.message,
    /it shows a login prompt, but no SSH login was possible .*its guest agent does not answer/,
  );
});

Deno.test("a QEMU that dies is told with its last words; one whose guest powered off as that", async () => {
  const died = await explained("script", async ({ machine }) => {
    Deno.kill(machine.pid, "SIGKILL");
    await machine.ended;
    throw new SshError("lost", "the SSH connection was lost");
  });
  deepEqual([died.reason.code, died.exitCode], ["qemu-died", exitCode.failure]);
  match(died.message, /^QEMU of web-amd64-\S+ was ended by SIGKILL/);
  equal(died.evidence.qemu.ended?.signal, "SIGKILL");
  const off = await explained("script", async ({ machine }) => {
    await machine.qmp.execute("quit");
    await machine.ended;
    throw new SshError("lost", "the SSH connection was lost");
  });
  equal(off.reason.code, "guest-powered-off");
});

Deno.test("what is cancelled is not explained", async () => {
  await using it = await smallMachine();
  const stop = new AbortController();
  await rejects(
    attend(scene(it, "script"), stop.signal, (signal) => {
      stop.abort(new CancelledError());
      return Promise.reject(signal.reason);
    }),
    CancelledError,
  );
});
