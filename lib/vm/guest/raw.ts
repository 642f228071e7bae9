import * as v from "valibot";
import { exitCode, PimError } from "../../errors.ts";
import type { AgentClient } from "../../qemu/agent.ts";
import { type AgentCommand, agentCommands, isObedience } from "../../qemu/agent_commands.ts";
import type { QmpClient } from "../../qemu/qmp.ts";
import { QmpCommandError, QmpProtocolError, QmpTimeoutError } from "../../qemu/qmp_error.ts";
import { nearest } from "../../suggest.ts";
import { explainRefusal } from "./agent_refusal.ts";
import { type AgentTalkOptions, withAgent, withMonitor } from "../monitor.ts";
import type { VmDirs } from "../places.ts";
import type { RawRequest } from "./raw_request.ts";
import type { RunningVm } from "../vms.ts";

const commandsSchema = v.array(v.object({ name: v.string() }));

/** The names of the commands that a VM's QEMU knows. */
export async function qmpCommands(qmp: QmpClient): Promise<string[]> {
  const parsed = v.safeParse(commandsSchema, await qmp.execute("query-commands"));
  if (parsed.success) return parsed.output.map(({ name }) => name).sort();
  throw new QmpProtocolError("QEMU's answer to query-commands is malformed");
}

/** Limits of one command; `answerMs` is for its answer, once QEMU or the agent is there. */
export interface RawOptions extends AgentTalkOptions {
  readonly answerMs: number;
}

/** Has a VM's QEMU run a command; an unknown one gets a suggestion. */
export async function askQemu(vm: RunningVm, request: RawRequest, options: RawOptions): Promise<unknown> {
  const { signal, answerMs: timeoutMs } = options;
  return await withMonitor(vm, async (qmp) => {
    try {
      return await qmp.execute(request.command, request.arguments, { timeoutMs, signal });
    } catch (error) {
      throw await explain(error, () => qmpCommands(qmp), `pim qmp ${vm.name}`);
    }
  }, options);
}

// They say nothing when they are obeyed: the guest is on its way out (qemu-ga: "success-response": false).
const silent = ["guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"];
const refusalMs = 3000;

/** Has a VM's guest agent run a command; undefined when it is one that is obeyed in silence. */
export async function askGuest(
  dirs: VmDirs,
  vm: RunningVm,
  request: RawRequest,
  options: RawOptions,
): Promise<unknown> {
  const { command } = request;
  const isSilent = silent.includes(command);
  const timeoutMs = isSilent ? refusalMs : options.answerMs;
  return await withAgent(dirs, vm, async (agent) => {
    try {
      return await agent.execute(command, request.arguments, { timeoutMs, signal: options.signal });
    } catch (error) {
      if (isSilent && isObedience(error)) return undefined;
      const known = async () => (await agentCommands(agent)).map(({ name }) => name);
      throw await explain(explainDisabled(error, vm), known, `pim ga ${vm.name}`);
    }
  }, options);
}

/** The commands of a VM's guest agent. */
export async function guestCommands(
  dirs: VmDirs,
  vm: RunningVm,
  options: AgentTalkOptions,
): Promise<AgentCommand[]> {
  return await withAgent(dirs, vm, (agent: AgentClient) => agentCommands(agent, options), options);
}

function explainDisabled(error: unknown, vm: RunningVm): unknown {
  const isUnknown = error instanceof QmpCommandError && !error.description.includes("disabled");
  return isUnknown ? error : explainRefusal(error, vm.name);
}

/** An error of the other end with its class, and what may have been meant by a command that it does not know. */
async function explain(error: unknown, known: () => Promise<string[]>, list: string): Promise<unknown> {
  if (error instanceof QmpTimeoutError) {
    return new PimError(error.message, {
      cause: error,
      hint: "It may still be at work. Give it longer with --timeout SECONDS",
      exitCode: exitCode.timeout,
    });
  }
  if (!(error instanceof QmpCommandError)) return error;
  const { command, errorClass, description } = error;
  return new PimError(`${command} failed: ${description} (${errorClass})`, {
    cause: error,
    hint: errorClass === "CommandNotFound" ? await suggest(command, known, list) : hintOn(description),
  });
}

async function suggest(command: string, known: () => Promise<string[]>, list: string): Promise<string> {
  const meant = nearest(command, await known().catch(() => []));
  return `${meant === undefined ? "" : `Did you mean ${meant}? `}All commands: ${list}`;
}

function hintOn(description: string): string | undefined {
  return /expected: string/.test(description)
    ? `A string that looks like a number or like true has to be JSON: KEY='"1"'`
    : undefined;
}
