import * as v from "valibot";
import type { AgentClient } from "./agent.ts";
import { askAgent } from "./agent_answer.ts";
import type { ExecuteOptions } from "./qmp.ts";
import { isSilence, QmpCommandError } from "./qmp_error.ts";

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

/** Somebody who is logged in to a guest. */
export interface GuestUser {
  readonly name: string;
  /** In milliseconds since 1970. */
  readonly loginMs: number;
}

/** A command that a guest agent knows. */
export interface AgentCommand {
  readonly name: string;
  /** Whether the guest's administrator lets it be used. */
  readonly enabled: boolean;
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
    if (!isObedience(error)) throw error;
  }
}

/** Whether an agent that was told to end or suspend its guest has obeyed: it has no answer for that. */
export function isObedience(error: unknown): boolean {
  if (isSilence(error)) return true;
  // systemd has stopped the agent's unit, and with it the agent's `shutdown`, before that had its answer.
  return error instanceof QmpCommandError && error.command === "guest-shutdown" &&
    killedChild.test(error.description);
}

// qemu-ga's qga/commands-posix.c, of a child process that a signal has ended.
const killedChild = /^child process has terminated abnormally/;

/** Freezes the guest's file systems, for a snapshot that is in order; returns how many. Always thaw afterwards. */
export async function freezeFilesystems(agent: AgentClient, options?: ExecuteOptions): Promise<number> {
  return await askAgent(agent, "guest-fsfreeze-freeze", {}, v.number(), { timeoutMs: 30_000, ...options });
}

/** Thaws frozen file systems; returns how many. */
export async function thawFilesystems(agent: AgentClient, options?: ExecuteOptions): Promise<number> {
  return await askAgent(agent, "guest-fsfreeze-thaw", {}, v.number(), { timeoutMs: 30_000, ...options });
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
  return await askAgent(agent, "guest-get-osinfo", {}, osSchema, options);
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
  return await askAgent(agent, "guest-network-get-interfaces", {}, interfacesSchema, options);
}

/** What the guest calls itself. */
export async function guestHostName(agent: AgentClient, options?: ExecuteOptions): Promise<string> {
  const answer = await askAgent(agent, "guest-get-host-name", {}, hostNameSchema, options);
  return answer["host-name"];
}

const hostNameSchema = v.object({ "host-name": v.string() });

/** Who is logged in to the guest. */
export async function guestUsers(agent: AgentClient, options?: ExecuteOptions): Promise<GuestUser[]> {
  return await askAgent(agent, "guest-get-users", {}, usersSchema, options);
}

const usersSchema = v.array(v.pipe(
  v.object({ user: v.string(), "login-time": v.number() }),
  v.transform((each): GuestUser => ({ name: each.user, loginMs: each["login-time"] * 1000 })),
));

/** The commands that the agent knows, by name. */
export async function agentCommands(agent: AgentClient, options?: ExecuteOptions): Promise<AgentCommand[]> {
  const info = await askAgent(agent, "guest-info", {}, infoSchema, options);
  return info.supported_commands.sort((a, b) => a.name < b.name ? -1 : 1);
}

const infoSchema = v.object({
  supported_commands: v.array(v.object({ name: v.string(), enabled: v.boolean() })),
});

/** Sets the guest's clock, and with it its hardware clock; the time is in milliseconds since 1970. */
export async function setGuestTime(
  agent: AgentClient,
  timeMs: number,
  options?: ExecuteOptions,
): Promise<void> {
  // Nanoseconds are beyond what a JavaScript number holds exactly; the last digits do not matter here.
  await agent.execute("guest-set-time", { time: Math.round(timeMs) * 1_000_000 }, options);
}

/** Adds lines to a user's authorized_keys (since qemu-ga 5.2). */
export async function addAuthorizedKeys(
  agent: AgentClient,
  username: string,
  keys: readonly string[],
  options?: ExecuteOptions,
): Promise<void> {
  await agent.execute("guest-ssh-add-authorized-keys", { username, keys: [...keys] }, options);
}
