import { Buffer } from "node:buffer";
import * as v from "valibot";
import { PimError } from "../../errors.ts";
import type { PveApi } from "./api.ts";
import type { PveGuest } from "./guest_agent.ts";

// The schema of agent/exec: input-data has at most so many characters.
const maxInputChars = 64 * 1024;

/** The guest agent of a VM by the API; `vm` is the VM's path there. */
export function apiGuest(api: PveApi, vm: string): PveGuest {
  return {
    async ping() {
      await api.post(`${vm}/agent/ping`);
    },
    async exec(argv, stdin) {
      const { command, input } = withText(argv, stdin);
      if (input !== undefined && input.length > maxInputChars) {
        throw new PimError(`Proxmox VE brings at most ${maxInputChars} characters to a program in a guest`);
      }
      return await api.post(`${vm}/agent/exec`, {
        command,
        ...(input !== undefined && { "input-data": input }),
      });
    },
    execStatus: async (pid) => await api.get(`${vm}/agent/exec-status`, v.unknown(), { pid: String(pid) }),
  };
}

/** What the API takes as input is text, and what it makes of any but ASCII is its own: the guest decodes the rest. */
function withText(
  argv: readonly string[],
  stdin: Uint8Array | undefined,
): { readonly command: readonly string[]; readonly input?: string } {
  if (stdin === undefined) return { command: argv };
  if (stdin.every((byte) => byte > 0 && byte < 128)) {
    return { command: argv, input: new TextDecoder().decode(stdin) };
  }
  return {
    command: ["/bin/sh", "-c", 'base64 -d | "$@"', "sh", ...argv],
    input: Buffer.from(stdin).toString("base64"),
  };
}
