import * as v from "valibot";
import { PimError } from "../../errors.ts";
import type { AgentClient } from "../../qemu/agent.ts";
import { relayedAgent } from "../../qemu/agent_relay.ts";
import {
  cancelled,
  QmpClosedError,
  QmpCommandError,
  QmpProtocolError,
  QmpTimeoutError,
} from "../../qemu/qmp_error.ts";
import { type Virsh, VirshError } from "./virsh.ts";

const answerSchema = v.object({ return: v.unknown() });

// Linux lets a program have arguments of 128 KiB at most; of ten bytes a script has fourteen in base64.
const maxRequestChars = 120_000;

/** The guest agent of a domain, as libvirt talks to it (virsh qemu-agent-command). */
export function domainAgent(virsh: Virsh, domain: string): AgentClient {
  return relayedAgent(async (command, args, { timeoutMs = 10_000, signal }) => {
    if (signal?.aborted) throw cancelled(signal);
    const request = JSON.stringify({ execute: command, arguments: args });
    if (request.length > maxRequestChars) {
      throw new PimError(
        `${command} is too long to be brought to a guest by virsh: ${request.length} characters`,
      );
    }
    const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
    try {
      return parse(
        command,
        await virsh.ask(
          ...["qemu-agent-command", "--domain", domain, "--timeout", String(seconds), "--cmd", request],
        ),
      );
    } catch (error) {
      throw error instanceof VirshError ? agentError(command, error) : error;
    }
  });
}

function parse(command: string, text: string): unknown {
  try {
    return v.parse(answerSchema, JSON.parse(text)).return;
  } catch (cause) {
    throw new QmpProtocolError(`What virsh prints for ${command} is no answer of a guest agent`, { cause });
  }
}

/** What libvirt says of a guest agent, in the words of the protocol; anything else stays as it is. */
export function agentError(command: string, error: VirshError): Error {
  const { said } = error;
  // src/qemu/qemu_agent.c
  const refused = /unable to execute QEMU agent command '[^']*': (.*)/.exec(said)?.[1];
  if (refused !== undefined) {
    const errorClass = /has been disabled|has not been found/.test(refused)
      ? "CommandNotFound"
      : "GenericError";
    return new QmpCommandError(command, errorClass, refused, { cause: error });
  }
  if (/didn't respond to/i.test(said)) return new QmpTimeoutError(said, { cause: error });
  if (/guest agent is not (responding|available)|agent.*not connected|domain is not running/i.test(said)) {
    return new QmpClosedError(said, { cause: error });
  }
  return error;
}
