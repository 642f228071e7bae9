/**
 * Does one thing of lib/sudo.ts in a process of its own, and prints what came of it as one line of JSON:
 * `ask WHY`, `become WHY PROGRAM`, `connect PATH`, `qmp PATH` or `signal PID NAME`. With a user's number in PIM_TEST_UID it becomes that user
 * first: after the modules are loaded, since that user may not be able to read them.
 */
import { PimError } from "../../lib/errors.ts";
import { writeText } from "../../lib/output.ts";
import { connectQmp } from "../../lib/qemu/qmp.ts";
import { askForSudo, becomeRoot, connectUnix, signalProcess } from "../../lib/sudo.ts";

const become = Deno.env.get("PIM_TEST_UID");
const ask = Deno.env.get("PIM_TEST_ASK") !== "no";
const [what, first = "", second = ""] = Deno.args;

if (become !== undefined) becomeUser(Number(become));
try {
  print({ done: await act() });
} catch (error) {
  if (!(error instanceof PimError)) throw error;
  const { name, message, hint, exitCode } = error;
  const cause = error.cause instanceof Error ? error.cause.name : undefined;
  print({ failed: { name, message, hint, exitCode, cause } });
}

function print(outcome: unknown): void {
  // On a terminal, sudo's question stands before it on the same line.
  writeText(Deno.stdout, `\n${JSON.stringify(outcome)}\n`);
}

async function act(): Promise<unknown> {
  if (what === "ask") return await Promise.all([askForSudo(first), askForSudo(first)]).then(() => "asked");
  if (what === "become") return (await becomeRoot(first))([second]);
  if (what === "connect") {
    using conn = await connectUnix(first, { ask });
    const buffer = new Uint8Array(64);
    const count = await conn.read(buffer) ?? 0;
    return new TextDecoder().decode(buffer.subarray(0, count));
  }
  if (what === "qmp") {
    await using qmp = await connectQmp(first, { ask });
    return qmp.version;
  }
  return await signalProcess(Number(first), second as Deno.Signal, { ask });
}

/** All of a process's threads change their user by the C library's calls, which Deno does not offer. */
function becomeUser(uid: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    setgroups: { parameters: ["usize", "pointer"], result: "i32" },
    setresgid: { parameters: ["u32", "u32", "u32"], result: "i32" },
    setresuid: { parameters: ["u32", "u32", "u32"], result: "i32" },
  });
  const { setgroups, setresgid, setresuid } = libc.symbols;
  const failed = setgroups(0n, null) !== 0 || setresgid(uid, uid, uid) !== 0 ||
    setresuid(uid, uid, uid) !== 0;
  if (failed || Deno.uid() !== uid) throw new Error(`Cannot become user ${uid}`);
}
