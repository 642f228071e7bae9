import { messageOf } from "../../errors.ts";
import { DeployError } from "../deploy_error.ts";
import type { PveGuest } from "./guest_agent.ts";

/** Runs `qm guest` with these arguments, and returns what it prints. */
export type QmGuest = (args: readonly string[], stdin?: Uint8Array) => Promise<string>;

/** The guest agent of a VM by `qm guest` on its host. */
export function sshGuest(qmGuest: QmGuest, vmid: number): PveGuest {
  const id = String(vmid);
  return {
    async ping() {
      await qmGuest(["cmd", id, "ping"]);
    },
    async exec(argv, stdin) {
      const flags = ["--synchronous", "0", ...(stdin === undefined ? [] : ["--pass-stdin", "1"])];
      return parse(await qmGuest(["exec", id, ...flags, "--", ...argv], stdin));
    },
    execStatus: async (pid) => parse(await qmGuest(["exec-status", id, String(pid)])),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DeployError(`What qm guest prints is not understood: ${messageOf(cause)}`, { cause });
  }
}
