import { Buffer } from "node:buffer";
import * as v from "valibot";
import { PimError } from "../../errors.ts";
import type { AgentClient } from "../../qemu/agent.ts";
import { relayedAgent } from "../../qemu/agent_relay.ts";
import { cancelled, QmpClosedError, QmpCommandError } from "../../qemu/qmp_error.ts";
import { deploying } from "../api_failure.ts";

/** What Proxmox VE lets be done with the guest agent of a VM, by its API or by `qm guest`. */
export interface PveGuest {
  ping(): Promise<void>;
  /** Starts a program and returns what tells its process id. */
  exec(argv: readonly string[], stdin: Uint8Array | undefined): Promise<unknown>;
  /** How it ended, with what it wrote as text. */
  execStatus(pid: number): Promise<unknown>;
}

const execSchema = v.object({
  path: v.string(),
  arg: v.array(v.string()),
  "input-data": v.optional(v.string()),
});
const pidSchema = v.object({ pid: v.number() });
const flag = v.union([v.boolean(), v.number()]);
const statusSchema = v.object({
  exited: flag,
  exitcode: v.optional(v.number()),
  signal: v.optional(v.number()),
  "out-data": v.optional(v.string()),
  "err-data": v.optional(v.string()),
  "out-truncated": v.optional(flag),
  "err-truncated": v.optional(flag),
});

/** The guest agent of a VM, as far as Proxmox VE lets it be used: to run programs. */
export function pveAgent(guest: PveGuest, vmid: number): AgentClient {
  return relayedAgent(async (command, args, { signal }) => {
    if (signal?.aborted) throw cancelled(signal);
    try {
      return await deploying(`ask the guest agent of the VM ${vmid}`, () => relay(guest, command, args));
    } catch (error) {
      throw error instanceof PimError ? agentError(command, error) : error;
    }
  });
}

async function relay(guest: PveGuest, command: string, args: object): Promise<unknown> {
  switch (command) {
    case "guest-ping":
      await guest.ping();
      return {};
    case "guest-exec": {
      const { path, arg, "input-data": stdin } = v.parse(execSchema, args);
      const input = stdin === undefined ? undefined : Uint8Array.fromBase64(stdin);
      return understood(pidSchema, await guest.exec([path, ...arg], input));
    }
    case "guest-exec-status":
      return protocolStatus(await guest.execStatus(v.parse(pidSchema, args).pid));
    default:
      throw new QmpCommandError(command, "CommandNotFound", "Proxmox VE does not pass it on");
  }
}

/** The status of a program in the words of the protocol. */
export function protocolStatus(status: unknown): unknown {
  const known = understood(statusSchema, status);
  const data = (text: string | undefined) =>
    text === undefined ? undefined : bytesOf(text).toString("base64");
  return {
    ...known,
    exited: Boolean(known.exited),
    "out-data": data(known["out-data"]),
    "err-data": data(known["err-data"]),
    "out-truncated": Boolean(known["out-truncated"]),
    "err-truncated": Boolean(known["err-truncated"]),
  };
}

/** What a program wrote: Proxmox VE decodes it and takes each byte for a character (PVE::QemuServer::Agent). */
function bytesOf(text: string): Buffer {
  return Buffer.from(text, /^[\0-\xff]*$/.test(text) ? "latin1" : "utf8");
}

function understood<S extends v.GenericSchema>(schema: S, answer: unknown): v.InferOutput<S> {
  const result = v.safeParse(schema, answer);
  if (result.success) return result.output;
  throw new PimError(
    `What Proxmox VE says of a program in a guest is not understood: ${v.summarize(result.issues)}`,
  );
}

/** What Proxmox VE says of a guest agent, in the words of the protocol; anything else stays as it is. */
export function agentError(command: string, error: PimError): PimError {
  if (error instanceof QmpCommandError) return error;
  const { message } = error;
  const refused = /Agent error: (.*)/.exec(message)?.[1];
  if (refused !== undefined) {
    const errorClass = /has been disabled|has not been found/.test(refused)
      ? "CommandNotFound"
      : "GenericError";
    return new QmpCommandError(command, errorClass, refused, { cause: error });
  }
  // PVE::QemuServer::Agent and PVE::QMPClient; the agent is in neither while its guest starts.
  if (/guest agent is not running|VM \d+ (is )?not running|qmp command 'guest-\S+' failed/i.test(message)) {
    return new QmpClosedError(message, { cause: error });
  }
  return error;
}
