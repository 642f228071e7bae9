// What Proxmox VE's PVE::API2::Qemu::Agent makes of a guest agent: a real one answers behind it.
import { Buffer } from "node:buffer";
import { type AgentClient, connectAgent } from "../../../../lib/qemu/agent.ts";
import { type RealAgent, realAgent } from "../../../qemu/real_agent.ts";

/** The guest agent that answers in every VM of a stand-in, as soon as there is one. */
export interface GuestAgents extends AsyncDisposable {
  /** Starts a real guest agent on this host. */
  start(): Promise<void>;
  ping(): Promise<void>;
  /** Starts a program; input is what Proxmox VE takes for its bytes. */
  exec(command: readonly string[], input: string | undefined): Promise<{ readonly pid: number }>;
  execStatus(pid: number): Promise<Record<string, unknown>>;
}

/** No agent yet. */
export function guestAgents(): GuestAgents {
  let agent: RealAgent | undefined;
  let client: AgentClient | undefined;
  const ask = async (command: string, args: Record<string, unknown> = {}): Promise<unknown> => {
    if (client === undefined) throw new Error("QEMU guest agent is not running");
    try {
      return await client.execute(command, args);
    } catch (error) {
      throw new Error(`Agent error: ${(error as { description?: string }).description}`);
    }
  };
  return {
    async start() {
      agent = await realAgent();
      client = await connectAgent(agent.path);
    },
    async ping() {
      await ask("guest-ping");
    },
    async exec([path, ...arg], input) {
      // MIME::Base64 knows bytes only.
      if (input !== undefined && /[^\0-\xff]/.test(input)) {
        throw new Error("Wide character in subroutine entry");
      }
      const data = input === undefined
        ? {}
        : { "input-data": Buffer.from(input, "latin1").toString("base64") };
      const { pid } = await ask("guest-exec", { path, arg, "capture-output": true, ...data }) as {
        pid: number;
      };
      return { pid };
    },
    async execStatus(pid) {
      const status = await ask("guest-exec-status", { pid }) as Record<string, unknown>;
      const said = (key: string) =>
        typeof status[key] === "string" && { [key]: Buffer.from(status[key], "base64").toString("latin1") };
      const flags = Object.entries(status).filter(([, value]) => typeof value === "boolean")
        .map(([key, value]) => [key, value ? 1 : 0]);
      return { ...status, ...said("out-data"), ...said("err-data"), ...Object.fromEntries(flags) };
    },
    async [Symbol.asyncDispose]() {
      await client?.[Symbol.asyncDispose]();
      await agent?.[Symbol.asyncDispose]();
    },
  };
}
