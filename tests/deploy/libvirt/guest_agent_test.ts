import { ok, strictEqual } from "node:assert/strict";
import { agentError } from "../../../lib/deploy/libvirt/guest_agent.ts";
import { VirshError } from "../../../lib/deploy/libvirt/virsh.ts";
import { QmpClosedError, QmpCommandError, QmpTimeoutError } from "../../../lib/qemu/qmp_error.ts";

const said = (text: string) => agentError("guest-exec", new VirshError(text, "qemu:///system", undefined));

Deno.test("what libvirt says of a guest agent becomes the words of the protocol", () => {
  for (
    const text of [
      "Guest agent is not responding: QEMU guest agent is not connected",
      "Guest agent is not responding: Guest agent not available for now",
      "Requested operation is not valid: domain is not running",
    ]
  ) ok(said(text) instanceof QmpClosedError, text);
  const late =
    "Guest agent is not responding: guest agent didn't respond to synchronization within '5' seconds";
  ok(said(late) instanceof QmpTimeoutError);
  const refused = (text: string) => {
    const error = said(`internal error: unable to execute QEMU agent command 'guest-exec': ${text}`);
    ok(error instanceof QmpCommandError);
    strictEqual(error.description, text);
    return error.errorClass;
  };
  strictEqual(refused("The command guest-exec has been disabled for this instance"), "CommandNotFound");
  strictEqual(refused("Failed to execute child process “x” (No such file or directory)"), "GenericError");
});

Deno.test("what keeps libvirt from asking at all stays as it is", () => {
  const text =
    "failed to connect to the hypervisor: Cannot recv data: ssh: connect to host lab: No route to host";
  const error = said(text);
  ok(error instanceof VirshError);
  strictEqual(error.exitCode, 9);
});
