// Starts `sleep` detached, says its process id and ends, as pim does with QEMU.
import { startDetached } from "../../lib/process.ts";

const [log = ""] = Deno.args;
const argv = ["sh", "-c", "echo begun; echo trouble >&2; exec sleep 60"];
const { pid } = await startDetached(argv, { log });
Deno.stdout.writeSync(new TextEncoder().encode(`${pid}\n`));
Deno.exit(0);
