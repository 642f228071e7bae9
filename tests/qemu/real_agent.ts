import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { exists, removeIfThere } from "../../lib/files.ts";
import { start, which } from "../../lib/process.ts";
import { agentFolder } from "../demo/cache.ts";

/** The guest agent of QEMU, run on this host as if it were a guest. */
export interface RealAgent extends AsyncDisposable {
  readonly path: string;
}

const unpacked = join(agentFolder(Deno.env.toObject()), "usr/sbin/qemu-ga");
const program = await which("qemu-ga") ?? (await exists(unpacked) ? unpacked : undefined);

/** Whether qemu-ga is neither installed (Debian: qemu-guest-agent) nor was fetched by `deno task test`. */
export const realAgentMissing = program === undefined;

// It runs on this host: what would change that is switched off.
const harmful = ["guest-shutdown", "guest-suspend-disk", "guest-suspend-ram", "guest-suspend-hybrid"];

/**
 * Starts qemu-ga behind a unix socket that serves one client after the other, as QEMU's does: the agent itself sees a
 * single line that is always open.
 */
export async function realAgent(
  options: { path?: string; refused?: readonly string[] } = {},
): Promise<RealAgent> {
  await using setup = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "pim-ga-" });
  setup.defer(() => Deno.remove(folder, { recursive: true }));
  const [path, own] = [options.path ?? join(folder, "s"), join(folder, "own")];
  const off = [...harmful, ...(options.refused ?? [])].join(",");
  const agent = start([program ?? "qemu-ga", "-m", "unix-listen", "-p", own, "-t", folder, "-b", off]);
  setup.defer(async () => {
    agent.kill("SIGKILL");
    await agent.ended;
  });
  const line = await connect(own, agent.ended.then(agent.stderr));
  const listener = Deno.listen({ transport: "unix", path });
  setup.defer(() => removeIfThere(path));
  const relaying = relay(listener, line);
  setup.defer(() => relaying);
  setup.defer(() => listener.close());
  const all = setup.move();
  return { path, [Symbol.asyncDispose]: () => all[Symbol.asyncDispose]() };
}

async function connect(path: string, died: Promise<string>): Promise<Deno.Conn> {
  for (;;) {
    const conn = await Deno.connect({ transport: "unix", path }).catch(() => undefined);
    if (conn !== undefined) return conn;
    const said = await Promise.race([died, sleep(5)]);
    if (said !== undefined) throw new Error(`qemu-ga ended: ${said}`);
  }
}

async function relay(listener: Deno.Listener, line: Deno.Conn): Promise<void> {
  let client: Deno.Conn | undefined;
  // What the agent says while nobody is there is lost.
  const back = pump(line, (bytes) => client === undefined ? Promise.resolve() : writeAll(client, bytes));
  for await (const conn of listener) {
    client = conn;
    await pump(conn, (bytes) => writeAll(line, bytes));
    client = undefined;
    conn.close();
  }
  line.close();
  await back;
}

async function pump(from: Deno.Conn, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await from.read(buffer).catch(() => null);
    if (count === null) return;
    await write(buffer.subarray(0, count)).catch(() => {}); // A client may go at any time.
  }
}

async function writeAll(to: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += await to.write(bytes.subarray(offset));
}
