import { CancelledError, messageOf, PimError } from "../errors.ts";
import { SshError } from "../ssh/errors.ts";
import { shellCommand } from "../ssh/quote.ts";
import type { SshSession } from "../ssh/session.ts";
import type { SshAddress } from "../ssh/socket.ts";
import { waitForSsh } from "../ssh/wait.ts";
import { pause } from "../vm/pause.ts";
import type { Answered, Machine, ObserveOptions, SshDoor } from "./machine.ts";
import type { RootLimits, RootProgram, RootRun, RootShell } from "./root_shell.ts";
import type { ThrowawayLogin } from "./throwaway_login.ts";

/** A machine that somebody else runs and that pim reaches over SSH alone; disposing of it removes it. */
export interface SshInstance extends AsyncDisposable {
  /** What it is called there. */
  readonly name: string;
  /** When it was started, of performance.now(). */
  readonly startedMs: number;
  /** Whom its user data lets in. */
  readonly login: ThrowawayLogin;
  /** Where its SSH is; undefined as long as it has no address. */
  address(): Promise<SshAddress | undefined>;
  isRunning(): Promise<boolean>;
}

const untried = "an instance of this target is asked over SSH alone";
const reconnectMs = 30_000;

/** An instance that is reached over SSH, as checks see it. */
export function sshInstanceMachine(instance: SshInstance): Machine {
  let session: SshSession | undefined;
  let door: SshDoor | undefined;
  const enter = async (at: SshAddress, limits: ObserveOptions): Promise<SshSession> => {
    await using made = new AsyncDisposableStack();
    const entered = made.use(await logIn(instance, at, limits));
    await requireRoot(entered, limits);
    made.move();
    // A machine that is busy may lose a connection and be well.
    entered.closed.then(() => session = session === entered ? undefined : session);
    session = entered;
    door = { ...at, hostKey: entered.hostKey, open: true };
    return entered;
  };
  const root = rootOver(instance, async (signal) => {
    if (session !== undefined) return session;
    if (door === undefined) throw new PimError(`${instance.name} was never reached over SSH`);
    return await enter(door, { timeoutMs: reconnectMs, signal });
  });
  return {
    ...{ root, startedMs: instance.startedMs, namedForIt: true },
    get ssh() {
      return door;
    },
    observe: async (options) => ({ agent: { untried }, ssh: await firstLogin(instance, enter, options) }),
    async [Symbol.asyncDispose]() {
      await session?.[Symbol.asyncDispose]();
      await instance[Symbol.asyncDispose]();
    },
  };
}

/** Logs in as the throw-away user. Cloud-init makes it when sshd may answer already: that is waited for too. */
async function logIn(
  { login: { username, privateKey } }: SshInstance,
  at: SshAddress & { readonly hostKey?: string },
  { timeoutMs, signal }: ObserveOptions,
): Promise<SshSession> {
  return await waitForSsh({
    ...{ ...at, username, auth: [{ privateKey }], signal },
    ...{ deadlineMs: timeoutMs, refusedGraceMs: timeoutMs },
  });
}

async function requireRoot(session: SshSession, limits: ObserveOptions): Promise<void> {
  const { ended, status, stderr } = await runAsRoot(session, { argv: ["true"] }, limits);
  if (ended && status === 0) return;
  const why = stderr.trim() || "sudo does not answer";
  throw new SshError("protocol", `${session.username} can log in, but cannot be root: ${why}`);
}

const askEveryMs = 2000;

/** When the first login succeeded: an address, a server and the user have to be there, and the machine has to run on. */
async function firstLogin(
  instance: SshInstance,
  enter: (at: SshAddress, limits: ObserveOptions) => Promise<SshSession>,
  { timeoutMs, signal }: ObserveOptions,
): Promise<Answered> {
  const endMs = performance.now() + timeoutMs;
  const over = new AbortController();
  const limits = () => ({
    timeoutMs: Math.max(1, endMs - performance.now()),
    signal: AbortSignal.any([signal, over.signal]),
  });
  const watching = watchForEnd(instance, over);
  try {
    let at = await instance.address();
    for (; at === undefined; at = await instance.address()) {
      if (performance.now() > endMs) return { missing: `no address within ${timeoutMs / 1000} s` };
      await pause(askEveryMs, limits().signal);
    }
    await enter(at, limits());
    return { afterMs: performance.now() - instance.startedMs };
  } catch (error) {
    signal.throwIfAborted();
    if (over.signal.aborted) return { missing: "the machine ended by itself" };
    if (error instanceof SshError) return { missing: messageOf(error) };
    throw error;
  } finally {
    over.abort();
    await watching;
  }
}

/** Aborts `over` when the machine does not run any more; ends when somebody else has aborted it. */
async function watchForEnd(instance: SshInstance, over: AbortController): Promise<void> {
  while (!over.signal.aborted) {
    await pause(askEveryMs, over.signal).catch(() => {});
    if (!over.signal.aborted && !(await mayRun(instance))) over.abort();
  }
}

/** An API that does not answer for a moment says nothing of the machine. */
async function mayRun(instance: SshInstance): Promise<boolean> {
  try {
    return await instance.isRunning();
  } catch (error) {
    if (!(error instanceof PimError)) throw error;
    return true;
  }
}

function rootOver(instance: SshInstance, session: (signal: AbortSignal) => Promise<SshSession>): RootShell {
  const run = async (program: RootProgram, limits: RootLimits) =>
    await runAsRoot(await session(limits.signal), program, limits);
  return {
    through: "SSH",
    run,
    async letIn(username, publicKey, signal) {
      const argv = ["/bin/sh", "-c", letInScript, "sh", username, publicKey];
      const { status, stderr } = await run({ argv }, { timeoutMs: reconnectMs, signal });
      if (status !== 0) throw new PimError(`No key could be let in for ${username}: ${stderr.trim()}`);
    },
    isRunning: () => instance.isRunning(),
  };
}

const letInScript = `
home=$(getent passwd "$1" | cut -d: -f6)
[ -n "$home" ] || { echo "there is no such user" >&2; exit 1; }
umask 077
mkdir -p "$home/.ssh" && printf '%s\\n' "$2" >> "$home/.ssh/authorized_keys" && chown -R "$1:" "$home/.ssh"`;

/** Runs a program by sudo. One that is not done in time runs on: sshd passes no signals on to root's programs. */
async function runAsRoot(
  session: SshSession,
  { argv, stdin }: RootProgram,
  limits: RootLimits,
): Promise<RootRun> {
  let stdout = "";
  try {
    const { code, ...output } = await session.exec(shellCommand(["sudo", "-n", "--", ...argv]), {
      ...limits,
      ...(stdin !== undefined && { stdin }),
      onStdout: (text) => stdout += text,
    });
    return { ended: true, status: code ?? undefined, ...output };
  } catch (error) {
    if (limits.signal.aborted) throw new CancelledError();
    if (!(error instanceof SshError && error.kind === "timeout")) throw error;
    return { ended: false, status: undefined, stdout, stderr: "" };
  }
}
