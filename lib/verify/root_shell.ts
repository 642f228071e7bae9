import { addAuthorizedKeys } from "../qemu/agent_commands.ts";
import { execInGuest } from "../vm/guest/exec.ts";
import type { Guest } from "../vm/guest/guest.ts";

/** A program that a check runs in a guest. */
export interface RootProgram {
  readonly argv: readonly string[];
  /** Its standard input; empty when left out. */
  readonly stdin?: string;
}

/** How such a program ended, or what it had said when its time was up. */
export interface RootRun {
  /** Whether it ended by itself. */
  readonly ended: boolean;
  /** Its exit status; undefined when a signal ended it. */
  readonly status: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Limits of such a program. */
export interface RootLimits {
  /** Until it has ended. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** A way to be root in the guest of a machine. */
export interface RootShell {
  /** What it goes through, in messages: "the guest agent". */
  readonly through: string;
  /** Runs a program. Throws a PimError when it cannot be run. */
  run(program: RootProgram, limits: RootLimits): Promise<RootRun>;
  /** Lets a key log in as a user. Throws a PimError when that cannot be. */
  letIn(username: string, publicKey: string, signal: AbortSignal): Promise<void>;
  /** Whether the machine still runs. */
  isRunning(): Promise<boolean>;
}

// An emulated guest that starts many services is busy for a while.
const longestSilenceMs = 30_000;

/** The way through a guest agent, which needs no network. */
export function agentShell(guest: Guest): RootShell {
  return {
    through: "the guest agent",
    async run({ argv, stdin }, limits) {
      const input = stdin === undefined ? {} : { stdin: new TextEncoder().encode(stdin) };
      const { endedBy, exit } = await execInGuest(guest, { argv, ...input }, {
        ...limits,
        agentTimeoutMs: Math.min(limits.timeoutMs, longestSilenceMs),
      });
      limits.signal.throwIfAborted();
      return {
        ended: endedBy === "itself" && exit !== undefined,
        status: exit?.code,
        stdout: new TextDecoder().decode(exit?.stdout),
        stderr: new TextDecoder().decode(exit?.stderr),
      };
    },
    letIn: (username, publicKey, signal) =>
      guest.withAgent((agent) => addAuthorizedKeys(agent, username, [publicKey], { signal }), { signal }),
    isRunning: () => guest.isRunning(),
  };
}
