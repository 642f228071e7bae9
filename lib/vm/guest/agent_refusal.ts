import { PimError } from "../../errors.ts";
import { QmpCommandError } from "../../qemu/qmp_error.ts";

/** Makes an agent's refusal of a command say how to allow it; any other error is returned as it is. */
export function explainRefusal(error: unknown, vmName: string): unknown {
  if (!(error instanceof QmpCommandError) || error.errorClass !== "CommandNotFound") return error;
  const { command, description } = error;
  if (/frozen/.test(description)) {
    return new PimError(`The guest agent of ${vmName} refuses ${command} while file systems are frozen`, {
      cause: error,
      hint: `Thaw them: pim ga ${vmName} guest-fsfreeze-thaw`,
    });
  }
  if (!/disabled/.test(description)) {
    return new PimError(`The guest agent of ${vmName} knows no ${command}`, {
      cause: error,
      hint: `What it knows: pim ga ${vmName}`,
    });
  }
  // What SSH itself may have to ask for: a VM in the host's network is found by its addresses.
  const instead = command === "guest-network-get-interfaces"
    ? `look on its console: pim console ${vmName}`
    : `go by SSH: pim ssh ${vmName}`;
  const needed = command === "guest-exec" ? "guest-exec and guest-exec-status" : command;
  return new PimError(`The guest agent of ${vmName} is set up to refuse ${command}`, {
    cause: error,
    hint: `In the guest, allow ${needed}: in /etc/sysconfig/qemu-ga (RHEL and its kin: BLACKLIST_RPC, ` +
      "BLOCK_RPCS or FILTER_RPC_ARGS) or /etc/qemu/qemu-ga.conf; then: systemctl restart qemu-guest-agent. " +
      `Or ${instead}`,
  });
}
