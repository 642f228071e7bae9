import type { Booted, VerifyPlaces } from "./boot.ts";
import { boot } from "./boot.ts";
import { type Identity, identityScript, judgeIdentity, parseIdentity } from "./checks/identity.ts";
import { loginCheck } from "./checks/login.ts";
import { profileChecks } from "./checks/profile.ts";
import { scriptCheck } from "./checks/script.ts";
import { bootCheck, cloudInit, failedUnits } from "./checks/system.ts";
import { buildKey, logs, packageLists } from "./checks/traces.ts";
import { type GuestCheck, runGuestCheck, runScript } from "./guest_check.ts";
import { type Answered, observe, type Observed } from "./observe.ts";
import type { Subject } from "./subject.ts";
import { type Check, failed, type Outcome, passed, skipped, type Verification } from "./verification.ts";

/** Options of {@linkcode verifyImage}. */
export interface VerifyOptions {
  readonly places: VerifyPlaces;
  readonly signal: AbortSignal;
  /** How long the system may take to come up. */
  readonly bootTimeoutMs: number;
  /** A file to which what the machines write to their serial consoles is added. */
  readonly serialLog?: string;
  /** Called with what is done next, in words. */
  readonly onStage?: (text: string) => void;
  /** Called with each check as it is made. */
  readonly onCheck?: (check: Check) => void;
  /** Called with each line of the verification script, which come all together when it has ended. */
  readonly onLine?: (line: string) => void;
}

/** A list of checks that is being made. */
interface Run {
  readonly subject: Subject;
  readonly options: VerifyOptions;
  readonly checks: Check[];
}

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
  record(run, "SSH", judgeAnswer(ssh));
  await checkLogin(run, booted, observed);
  for (const check of await imageChecks(run)) await guestCheck(run, booted, check, without);
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

async function checkLogin(run: Run, booted: Booted, { ssh }: Observed): Promise<void> {
  const { profile } = run.subject;
  await timed(run, "login", () => {
    if ("missing" in ssh) return Promise.resolve(skipped("SSH does not answer"));
    if (typeof profile === "string") return Promise.resolve(skipped(profile));
    return loginCheck(booted, profile, run.options.signal);
  });
}

/** What is looked for once the system is up. */
async function imageChecks({ subject, options }: Run): Promise<GuestCheck[]> {
  const { profile, script } = subject;
  const traces = [buildKey, packageLists, logs, cloudInit];
  if (typeof profile === "string") return traces;
  const own = script === undefined ? [] : [
    scriptCheck(script, await Deno.readTextFile(script.path), {
      timeoutMs: profile.build.scriptTimeoutMinutes * 60_000,
      onLine: (line) => options.onLine?.(line),
    }),
  ];
  return [...profileChecks(profile), ...traces, ...own];
}

async function guestCheck(run: Run, booted: Booted, check: GuestCheck, without?: string): Promise<void> {
  await timed(
    run,
    check.name,
    () =>
      without === undefined
        ? runGuestCheck(booted, check, run.options.signal)
        : Promise.resolve(skipped(without)),
  );
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

async function timed(run: Run, name: string, make: () => Promise<Outcome>): Promise<void> {
  const startedMs = performance.now();
  record(run, name, await make(), startedMs);
}

function record({ checks, options }: Run, name: string, outcome: Outcome, startedMs?: number): void {
  const elapsedMs = startedMs === undefined ? 0 : Math.round(performance.now() - startedMs);
  const check: Check = { name, ...outcome, elapsedMs };
  checks.push(check);
  options.onCheck?.(check);
}
