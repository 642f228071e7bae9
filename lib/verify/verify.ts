import { boot } from "./boot.ts";
import { type CheckOptions, guestCheck, record, type Run, timed, type VerifyOptions } from "./check_list.ts";
import { type Identity, identityScript, judgeIdentity, parseIdentity } from "./checks/identity.ts";
import { loginCheck } from "./checks/login.ts";
import { profileChecks } from "./checks/profile.ts";
import { scriptCheck } from "./checks/script.ts";
import { bootCheck, cloudInit, failedUnits } from "./checks/system.ts";
import { buildKey, logs, packageLists } from "./checks/traces.ts";
import { type GuestCheck, runScript } from "./guest_check.ts";
import type { Machine, Observed } from "./machine.ts";
import type { RootShell } from "./root_shell.ts";
import type { Measure, Subject } from "./subject.ts";
import { failed, type Outcome, passed, skipped, type Verification } from "./verification.ts";

/** Starts one more machine of what is verified, unlike any that was started of it before. */
export type StartMachine = () => Promise<Machine>;

/** Boots two throw-away overlays of an image here and checks what comes up, as {@linkcode verifyMachines} does. */
export async function verifyImage(subject: Subject, options: VerifyOptions): Promise<Verification> {
  return await verifyMachines(() => boot(subject, options), subject, options);
}

/**
 * Starts two machines of an image, one after the other, and checks what comes up. Anything that is wrong with the image is
 * an outcome of a check; errors are thrown for what is wrong with the host.
 */
export async function verifyMachines(
  start: StartMachine,
  measure: Measure,
  options: CheckOptions,
): Promise<Verification> {
  const startedMs = performance.now();
  const run: Run = { measure, options, checks: [] };
  const first = await checkFirst(run, start);
  await checkIdentity(run, start, first);
  const { checks } = run;
  return {
    ok: checks.every(({ result }) => result !== "failed"),
    checks,
    elapsedMs: Math.round(performance.now() - startedMs),
  };
}

/** Everything that one machine can tell; returns its identity, or why that is not known. */
async function checkFirst(run: Run, start: StartMachine): Promise<Identity | string> {
  const { options } = run;
  options.onStage?.("starting a machine from the image");
  await using machine = await start();
  const { root } = machine;
  options.onStage?.("waiting for its guest agent and SSH");
  const observed = await machine.observe({ timeoutMs: options.bootTimeoutMs, signal: options.signal });
  const { agent, ssh } = observed;
  const without = unanswered(machine, observed);
  if (!("afterMs" in agent || "afterMs" in ssh)) {
    record(run, "boot", failed(whyMissing(observed)), machine.startedMs);
  } else await guestCheck(run, root, bootCheck(timeLeftMs(options, machine)), without);
  await guestCheck(run, root, failedUnits, without);
  record(run, "guest agent", judgeAnswer(agent));
  record(run, "SSH", judgeAnswer(ssh));
  await checkLogin(run, machine, observed);
  for (const check of traces) await guestCheck(run, root, check, without);
  await checkProfile(run, machine, without);
  return without ?? await identityOf(root, options.signal);
}

/** What is left of the time for the boot; an answer of systemd's may take some seconds in any case. */
function timeLeftMs({ bootTimeoutMs }: CheckOptions, { startedMs }: Machine): number {
  return Math.round(Math.max(10_000, bootTimeoutMs - (performance.now() - startedMs)));
}

/** Why nothing can be asked of the guest; undefined when what leads to it answers: its agent, else SSH. */
function unanswered({ root }: Machine, { agent, ssh }: Observed): string | undefined {
  return "missing" in ("untried" in agent ? ssh : agent) ? `${root.through} does not answer` : undefined;
}

function whyMissing({ agent, ssh }: Observed): string {
  return [agent, ssh].map((each) => "missing" in each ? each.missing : undefined).find(Boolean) ?? "";
}

function judgeAnswer(answered: Observed["ssh"]): Outcome {
  if ("untried" in answered) return skipped(answered.untried);
  return "missing" in answered
    ? failed(answered.missing)
    : passed(`answered after ${(answered.afterMs / 1000).toFixed(1)} s`);
}

async function checkLogin(run: Run, machine: Machine, { ssh }: Observed): Promise<void> {
  const { profile } = run.measure;
  await timed(run, "login", () => {
    if ("untried" in ssh) return Promise.resolve(skipped(ssh.untried));
    if ("missing" in ssh) return Promise.resolve(skipped("SSH does not answer"));
    if (typeof profile === "string") return Promise.resolve(skipped("whose login it is is not known"));
    return loginCheck(machine, profile, run.options.signal);
  });
}

/** What is looked for once the system is up, whatever the profile says. */
const traces: readonly GuestCheck[] = [buildKey, packageLists, logs, cloudInit];

/** Measures the system by its profile; what cannot be made of that for want of a profile or script is told. */
async function checkProfile(run: Run, machine: Machine, without: string | undefined): Promise<void> {
  const { root } = machine;
  const { profile, script } = run.measure;
  if (typeof profile === "string") return record(run, "profile", skipped(profile));
  for (const check of profileChecks(profile, machine)) await guestCheck(run, root, check, without);
  if (script === undefined) {
    return record(run, "script", skipped(`there is no verifications.d/${profile.name}.sh, nor default.sh`));
  }
  const own = scriptCheck(script, await Deno.readTextFile(script.path), {
    timeoutMs: profile.build.scriptTimeoutMinutes * 60_000,
    onLine: (line) => run.options.onLine?.(line),
  });
  await guestCheck(run, root, own, without);
}

async function identityOf(root: RootShell, signal: AbortSignal): Promise<Identity | string> {
  const output = await runScript(root, identityScript, signal);
  return "result" in output ? output.detail : parseIdentity(output.stdout);
}

/** Starts the image once more: what is one machine's own has to be different there. */
async function checkIdentity(run: Run, start: StartMachine, first: Identity | string): Promise<void> {
  const { options } = run;
  const startedMs = performance.now();
  const both = (machineId: Outcome, hostKeys: Outcome = machineId) => {
    record(run, "machine-id", machineId, startedMs);
    record(run, "host keys", hostKeys, startedMs);
  };
  if (typeof first === "string") return both(skipped(first));
  options.onStage?.("starting a second machine from the image");
  await using machine = await start();
  const observed = await machine.observe({ timeoutMs: options.bootTimeoutMs, signal: options.signal });
  const second = unanswered(machine, observed) ?? await identityOf(machine.root, options.signal);
  if (typeof second === "string") return both(failed(`the second machine did not come up: ${second}`));
  const { machineId, hostKeys } = judgeIdentity(first, second);
  both(machineId, hostKeys);
}
