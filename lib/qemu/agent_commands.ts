import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import type { AgentClient } from "./agent.ts";
import type { ExecuteOptions } from "./qmp.ts";
import { cancelled, QmpClosedError, QmpProtocolError, QmpTimeoutError } from "./qmp_error.ts";

/** The operating system of a guest, as its /etc/os-release and kernel tell. */
export interface GuestOs {
  readonly id?: string;
  readonly name?: string;
  readonly prettyName?: string;
  readonly versionId?: string;
  readonly kernelRelease?: string;
  readonly machine?: string;
}

/** A network interface of a guest. */
export interface GuestInterface {
  readonly name: string;
  readonly hardwareAddress?: string;
  readonly addresses: readonly {
    readonly address: string;
    readonly family: "ipv4" | "ipv6";
    readonly prefix: number;
  }[];
}

/** How a program in a guest ended. */
export interface GuestExecResult {
  readonly code: number | undefined;
  /** Number of the signal that ended it. */
  readonly signal: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Asks the guest to power off or reboot; it says nothing when it obeys, so nothing is waited for but a refusal. */
export async function shutdownGuest(
  agent: AgentClient,
  options: { readonly mode?: "powerdown" | "reboot" | "halt"; readonly signal?: AbortSignal } = {},
): Promise<void> {
  try {
    const { mode = "powerdown", signal } = options;
    await agent.execute("guest-shutdown", { mode }, { timeoutMs: 2000, signal });
  } catch (error) {
    if (!(error instanceof QmpTimeoutError || error instanceof QmpClosedError)) throw error;
  }
}

/** Freezes the guest's file systems, for a snapshot that is in order; returns how many. Always thaw afterwards. */
export async function freezeFilesystems(agent: AgentClient, options?: ExecuteOptions): Promise<number> {
  return await ask(agent, "guest-fsfreeze-freeze", {}, v.number(), { timeoutMs: 30_000, ...options });
}

/** Thaws frozen file systems; returns how many. */
export async function thawFilesystems(agent: AgentClient, options?: ExecuteOptions): Promise<number> {
  return await ask(agent, "guest-fsfreeze-thaw", {}, v.number(), { timeoutMs: 30_000, ...options });
}

const osSchema = v.pipe(
  v.object({
    id: v.optional(v.string()),
    name: v.optional(v.string()),
    "pretty-name": v.optional(v.string()),
    "version-id": v.optional(v.string()),
    "kernel-release": v.optional(v.string()),
    machine: v.optional(v.string()),
  }),
  v.transform((os): GuestOs => ({
    id: os.id,
    name: os.name,
    prettyName: os["pretty-name"],
    versionId: os["version-id"],
    kernelRelease: os["kernel-release"],
    machine: os.machine,
  })),
);

/** The guest's operating system. */
export async function guestOs(agent: AgentClient, options?: ExecuteOptions): Promise<GuestOs> {
  return await ask(agent, "guest-get-osinfo", {}, osSchema, options);
}

const interfacesSchema = v.array(v.pipe(
  v.object({
    name: v.string(),
    "hardware-address": v.optional(v.string()),
    "ip-addresses": v.optional(
      v.array(v.object({
        "ip-address": v.string(),
        "ip-address-type": v.picklist(["ipv4", "ipv6"]),
        prefix: v.number(),
      })),
      [],
    ),
  }),
  v.transform((each): GuestInterface => ({
    name: each.name,
    hardwareAddress: each["hardware-address"],
    addresses: each["ip-addresses"].map((ip) => ({
      address: ip["ip-address"],
      family: ip["ip-address-type"],
      prefix: ip.prefix,
    })),
  })),
));

/** The guest's network interfaces, the loopback one included. */
export async function guestInterfaces(
  agent: AgentClient,
  options?: ExecuteOptions,
): Promise<GuestInterface[]> {
  return await ask(agent, "guest-network-get-interfaces", {}, interfacesSchema, options);
}

const statusSchema = v.object({
  exited: v.boolean(),
  exitcode: v.optional(v.number()),
  signal: v.optional(v.number()),
  "out-data": v.optional(v.string(), ""),
  "err-data": v.optional(v.string(), ""),
});

/** Runs a program in the guest, as root and without any network, and waits for its end; `timeoutMs` covers it all. */
export async function guestExec(
  agent: AgentClient,
  argv: readonly string[],
  options: ExecuteOptions & { readonly stdin?: string; readonly env?: readonly string[] } = {},
): Promise<GuestExecResult> {
  const { stdin, env, timeoutMs = 60_000, signal } = options;
  const deadline = Date.now() + timeoutMs;
  const [path, ...arg] = argv;
  const request = {
    path,
    arg,
    "capture-output": true,
    ...(env && { env }),
    ...(stdin !== undefined && { "input-data": encode(stdin) }),
  };
  const { pid } = await ask(agent, "guest-exec", request, v.object({ pid: v.number() }), { signal });
  for (let pauseMs = 20;; pauseMs = Math.min(pauseMs * 2, 500)) {
    const status = await ask(agent, "guest-exec-status", { pid }, statusSchema, { signal });
    if (status.exited) {
      const [stdout, stderr] = [decode(status["out-data"]), decode(status["err-data"])];
      return { code: status.exitcode, signal: status.signal, stdout, stderr };
    }
    if (Date.now() > deadline) {
      throw new QmpTimeoutError(
        `${path} in the guest did not end within ${timeoutMs / 1000} s; it goes on running`,
      );
    }
    await sleep(pauseMs, undefined, { signal }).catch((error) => {
      throw signal ? cancelled(signal) : error;
    });
  }
}

async function ask<T>(
  agent: AgentClient,
  command: string,
  args: { readonly [key: string]: unknown },
  schema: v.GenericSchema<unknown, T>,
  options?: ExecuteOptions,
): Promise<T> {
  const parsed = v.safeParse(schema, await agent.execute(command, args, options));
  if (parsed.success) return parsed.output;
  throw new QmpProtocolError(
    `The guest agent's answer to ${command} is malformed: ${v.summarize(parsed.issues)}`,
  );
}

function encode(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}

function decode(base64: string): string {
  return new TextDecoder().decode(Uint8Array.fromBase64(base64));
}
