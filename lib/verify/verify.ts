import { PimError } from "../errors.ts";
import { guestNetwork } from "../vm/guest/guest_address.ts";
import { boot, type Booted } from "./boot.ts";
import { guestCheck, record, type Run, timed, type VerifyOptions } from "./check_list.ts";
import { type Identity, identityScript, judgeIdentity, parseIdentity } from "./checks/identity.ts";
import { loginCheck } from "./checks/login.ts";
import { profileChecks } from "./checks/profile.ts";
import { scriptCheck } from "./checks/script.ts";
import { bootCheck, cloudInit, failedUnits } from "./checks/system.ts";
import { buildKey, logs, packageLists } from "./checks/traces.ts";
import { type GuestCheck, runScript } from "./guest_check.ts";
import { type Answered, observe, type Observed } from "./observe.ts";
import type { Subject } from "./subject.ts";
import { failed, type Outcome, passed, skipped, type Verification } from "./verification.ts";

/**
 * Boots two throw-away overlays of an image and checks what comes up. Anything that is wrong with the image is an outcome
 * of a check; errors are thrown for what is wrong with the host.
 */
export async function verifyImage(subject: Subject, options: VerifyOptions): Promise<Verification> {
  const startedMs = performance.now();
  const run: Run = { subject, options, checks: [] };
  const first = await checkFirst(run);
  await checkIdentity(run, first);
  const { checks } = run;
  return {
    ok: checks.every(({ result }) => result !== "failed"),
    checks,
    elapsedMs: Math.round(performance.now() - startedMs),
  };
}

/** Everything that one machine can tell; returns its identity, or why that is not known. */
async function checkFirst(run: Run): Promise<Identity | string> {
  const { subject, options } = run;
  options.onStage?.("starting a machine from the image");
  await using booted = await boot(subject, options);
  options.onStage?.("waiting for its guest agent and SSH");
  const observed = await observe(booted, { timeoutMs: options.bootTimeoutMs, signal: options.signal });
  const { agent, ssh } = observed;
  const without = withoutAgent(observed);
  if ("missing" in agent && "missing" in ssh) record(run, "boot", failed(agent.missing), booted.startedMs);
  else await guestCheck(run, booted, bootCheck(timeLeftMs(options, booted)), without);
  await guestCheck(run, booted, failedUnits, without);
  record(run, "guest agent", judgeAnswer(agent));
  record(
    run,
    "SSH",
    "missing" in ssh ? await withoutSsh(booted, ssh.missing, options.signal) : judgeAnswer(ssh),
  );
  await checkLogin(run, booted, observed);
  for (const check of traces) await guestCheck(run, booted, check, without);
  await checkProfile(run, booted, without);
  return without ?? await identityOf(booted, options.signal);
}

/** What is left of the time for the boot; an answer of systemd's may take some seconds in any case. */
function timeLeftMs({ bootTimeoutMs }: VerifyOptions, { startedMs }: Booted): number {
  return Math.round(Math.max(10_000, bootTimeoutMs - (performance.now() - startedMs)));
}

/** Why nothing can be asked of the guest; undefined when its agent answers. */
function withoutAgent({ agent }: Observed): string | undefined {
  return "missing" in agent ? "the guest agent does not answer" : undefined;
}

function judgeAnswer(answered: Answered): Outcome {
  return "missing" in answered
    ? failed(answered.missing)
    : passed(`answered after ${(answered.afterMs / 1000).toFixed(1)} s`);
}

/** Without an address in its network no guest can answer, whatever runs in it. */
async function withoutSsh(
  { places, started }: Booted,
  missing: string,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    const { address } = await guestNetwork(places, started.vm, { signal });
    return failed(
      `${missing}; the guest has ${address === undefined ? "no address" : `the address ${address}`}`,
    );
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    signal.throwIfAborted();
    return failed(missing);
  }
}

async function checkLogin(run: Run, booted: Booted, { ssh }: Observed): Promise<void> {
  const { profile } = run.subject;
  await timed(run, "login", () => {
    if ("missing" in ssh) return Promise.resolve(skipped("SSH does not answer"));
    if (typeof profile === "string") return Promise.resolve(skipped("whose login it is is not known"));
    return loginCheck(booted, profile, run.options.signal);
  });
}

/** What is looked for once the system is up, whatever the profile says. */
const traces: readonly GuestCheck[] = [buildKey, packageLists, logs, cloudInit];

/** Measures the system by its profile; what cannot be made of that for want of a profile or script is told. */
async function checkProfile(run: Run, booted: Booted, without: string | undefined): Promise<void> {
  const { profile, script } = run.subject;
  if (typeof profile === "string") return record(run, "profile", skipped(profile));
  for (const check of profileChecks(profile)) await guestCheck(run, booted, check, without);
  if (script === undefined) {
    return record(run, "script", skipped(`there is no verifications.d/${profile.name}.sh, nor default.sh`));
  }
  const own = scriptCheck(script, await Deno.readTextFile(script.path), {
    timeoutMs: profile.build.scriptTimeoutMinutes * 60_000,
    onLine: (line) => run.options.onLine?.(line),
  });
  await guestCheck(run, booted, own, without);
}

async function identityOf(booted: Booted, signal: AbortSignal): Promise<Identity | string> {
  const output = await runScript(booted, identityScript, signal);
  return "result" in output ? output.detail : parseIdentity(output.stdout);
}

/** Starts the image once more: what is one machine's own has to be different there. */
async function checkIdentity(run: Run, first: Identity | string): Promise<void> {
  const { subject, options } = run;
  const startedMs = performance.now();
  const both = (machineId: Outcome, hostKeys: Outcome = machineId) => {
    record(run, "machine-id", machineId, startedMs);
    record(run, "host keys", hostKeys, startedMs);
  };
  if (typeof first === "string") return both(skipped(first));
  options.onStage?.("starting a second machine from the image");
  await using booted = await boot(subject, options);
  const observed = await observe(booted, { timeoutMs: options.bootTimeoutMs, signal: options.signal });
  const second = withoutAgent(observed) ?? await identityOf(booted, options.signal);
  if (typeof second === "string") return both(failed(`the second machine did not come up: ${second}`));
  const { machineId, hostKeys } = judgeIdentity(first, second);
  both(machineId, hostKeys);
}
