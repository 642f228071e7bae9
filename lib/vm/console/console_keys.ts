import { Buffer } from "node:buffer";
import { CancelledError } from "../../errors.ts";
import { within } from "../../qemu/qmp_error.ts";

/** Gives what is typed to the guest; returns true when the user leaves, and false at the end of an input that is no terminal. */
export async function passKeys(
  input: ReadableStreamDefaultReader<Uint8Array>,
  keyboard: boolean,
  socket: Deno.UnixConn,
): Promise<boolean> {
  let sending = Promise.resolve();
  for (;;) {
    // A terminal that is gone, and our own letting go of the input, are errors of reading.
    const { value } = await input.read().catch(() => ({ value: undefined }));
    if (value === undefined) return keyboard;
    const leaveAt = keyboard ? findLeaveKey(value) : -1;
    const keys = leaveAt < 0 ? value : value.subarray(0, leaveAt);
    // That QEMU is gone is noticed where the socket is read.
    sending = sending.then(() => sendAll(socket, keys)).catch(() => {});
    // A guest that takes no keys must not keep Ctrl-] from being seen; a long input that is no terminal has to wait.
    if (leaveAt >= 0) {
      return await within(sending, 200, () => new CancelledError()).then(() => true, () => true);
    }
    if (!keyboard) await sending;
  }
}

// Ctrl-] as terminals send it, and as they do when the guest has asked for modified keys in full (kitty, xterm).
const leaveKeys = ["\x1d", "\x1b[93;5u", "\x1b[27;5;93~"];

/** Where among the keys is one that leaves; -1 when there is none. */
function findLeaveKey(keys: Uint8Array): number {
  const text = Buffer.from(keys).toString("latin1");
  const found = leaveKeys.map((key) => text.indexOf(key)).filter((index) => index >= 0);
  return found.length === 0 ? -1 : Math.min(...found);
}

async function sendAll(socket: Deno.UnixConn, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}
