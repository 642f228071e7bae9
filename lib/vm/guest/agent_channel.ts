import { PimError } from "../../errors.ts";
import { tryLockFile } from "../../files.ts";
import { runtimeFiles, runtimeLock } from "../../paths.ts";
import { pause, seconds } from "../pause.ts";

/** Another pim has the guest agent of a VM. */
export class AgentBusyError extends PimError {
  override readonly name = "AgentBusyError";
}

/**
 * Waits until no other pim talks to a VM's guest agent: its channel serves one program at a time and would mix up the
 * answers of two. Throws {@linkcode AgentBusyError} after `timeoutMs`.
 */
export async function lockAgent(
  runtimeDir: string,
  vmName: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<AsyncDisposable> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const lock = await tryLockFile(runtimeLock(runtimeDir, "agent", vmName));
    if (lock !== undefined) return lock;
    if (performance.now() > endMs) {
      throw new AgentBusyError(
        `Another pim talks to the guest agent of ${vmName}, and was not done within ${seconds(timeoutMs)}`,
      );
    }
    await pause(20, signal);
  }
}

/** The channel of a guest agent that was opened ahead, for whoever takes it first. */
export interface OpenChannel extends AsyncDisposable {
  /** The lock and the connection, if they are this VM's and nobody has taken them; now the caller disposes of them. */
  take(vmName: string): { readonly lock: AsyncDisposable; readonly conn: Deno.UnixConn } | undefined;
}

/**
 * Opens the channel to the guest agent of a running VM before the rest of pim is loaded. As long as nobody is
 * connected, qemu-ga looks only every 100 ms whether somebody is (its channel-posix.c): it does so meanwhile.
 * Whatever keeps it from opening is for {@linkcode lockAgent} and the connection proper to tell.
 *
 * @param text the VM's name or how it begins, as for findVm
 */
export async function openAhead(runtimeDir: string, text: string): Promise<OpenChannel> {
  let opened = await open(runtimeDir, text).catch(() => undefined);
  return {
    take(vmName) {
      const taken = opened?.vmName === vmName ? opened : undefined;
      if (taken !== undefined) opened = undefined;
      return taken;
    },
    async [Symbol.asyncDispose]() {
      opened?.conn.close();
      await opened?.lock[Symbol.asyncDispose]();
    },
  };
}

interface Opened {
  readonly vmName: string;
  readonly lock: AsyncDisposable;
  readonly conn: Deno.UnixConn;
}

async function open(runtimeDir: string, text: string): Promise<Opened | undefined> {
  const vmName = await findSocket(runtimeDir, text);
  if (vmName === undefined) return undefined;
  const lock = await tryLockFile(runtimeLock(runtimeDir, "agent", vmName));
  if (lock === undefined) return undefined;
  try {
    const conn = await Deno.connect({ transport: "unix", path: runtimeFiles(runtimeDir, vmName).agent });
    return { vmName, lock, conn };
  } catch {
    await lock[Symbol.asyncDispose]();
    return undefined;
  }
}

async function findSocket(runtimeDir: string, text: string): Promise<string | undefined> {
  const found: string[] = [];
  for await (const { name } of Deno.readDir(runtimeDir)) {
    if (name === `${text}.ga`) return text;
    if (text !== "" && name.startsWith(text) && name.endsWith(".ga")) {
      found.push(name.slice(0, -".ga".length));
    }
  }
  return found.length === 1 ? found[0] : undefined;
}
