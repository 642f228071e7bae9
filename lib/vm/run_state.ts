import * as v from "valibot";
import { connectQmp, type ExecuteOptions, type QmpClient } from "../qemu/qmp.ts";
import { QmpProtocolError } from "../qemu/qmp_error.ts";
import type { RunningVm } from "./vms.ts";

const statusSchema = v.object({ status: v.string() });
const chardevsSchema = v.array(v.object({ label: v.string(), "frontend-open": v.boolean() }));

/** What a VM does in QEMU's words: "running", "paused", "shutdown" … (QEMU docs: QAPI, RunState). */
export async function runState(qmp: QmpClient, options?: ExecuteOptions): Promise<string> {
  return (await ask(qmp, "query-status", statusSchema, options)).status;
}

/** The {@linkcode runState} of a VM, or "not answering" when its QEMU does not tell in time. Never asks for a password. */
export async function askRunState({ files }: RunningVm, timeoutMs: number): Promise<string> {
  // One limit for connecting, greeting and asking together.
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), timeoutMs);
  const limits = { timeoutMs, signal: late.signal };
  try {
    await using qmp = await connectQmp(files.qmp, { ...limits, ask: false });
    return await runState(qmp, limits);
  } catch {
    return "not answering";
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a guest agent has opened its end of the channel; when not, nobody there could answer. */
export async function isAgentThere(qmp: QmpClient, options?: ExecuteOptions): Promise<boolean> {
  const chardevs = await ask(qmp, "query-chardev", chardevsSchema, options);
  return chardevs.some((each) => each.label === "agent0" && each["frontend-open"]);
}

async function ask<T>(
  qmp: QmpClient,
  command: string,
  schema: v.GenericSchema<unknown, T>,
  options?: ExecuteOptions,
): Promise<T> {
  const parsed = v.safeParse(schema, await qmp.execute(command, {}, options));
  if (parsed.success) return parsed.output;
  throw new QmpProtocolError(`QEMU's answer to ${command} is malformed: ${v.summarize(parsed.issues)}`);
}
