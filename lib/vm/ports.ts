import { PimError, UsageError } from "../errors.ts";
import { tryLockFile } from "../files.ts";
import { runtimeLock } from "../paths.ts";
import { freePort } from "../qemu/ports.ts";
import type { Forward } from "./definition.ts";

/** Ports of 127.0.0.1 that no other pim takes while they are held: until QEMU has bound them. */
export interface ClaimedPorts extends AsyncDisposable {
  readonly forwards: readonly Forward[];
  readonly sshPort?: number;
  readonly vncPort?: number;
}

/** What ports a VM needs. */
export interface PortsWanted {
  readonly forwards: readonly Forward[];
  /** Port of the guest's SSH, which gets the first free port from 2222 on unless a forward leads there. */
  readonly guestSshPort?: number;
  readonly vnc: boolean;
}

const firstSshPort = 2222;
const firstVncPort = 5900;

/**
 * Takes the ports of a VM. Between looking and QEMU's binding anyone could take a port: other runs of pim are kept off
 * by a lock for each port, which dies with its process; for strangers the start is tried again.
 *
 * @param owner names the VM that has a port, for messages
 */
export async function claimPorts(
  runtimeDir: string,
  wanted: PortsWanted,
  owner: (port: number) => Promise<string | undefined>,
): Promise<ClaimedPorts> {
  await using held = new AsyncDisposableStack();
  const forwards: Forward[] = [];
  for (const forward of wanted.forwards) {
    const hostPort = forward.hostPort === 0
      ? await claimAny(runtimeDir, forward.protocol, held)
      : await claimExactly(runtimeDir, forward, held, owner);
    forwards.push({ ...forward, hostPort });
  }
  const { guestSshPort } = wanted;
  const toSsh = forwards.find(({ guestPort, protocol }) => guestPort === guestSshPort && protocol === "tcp");
  let sshPort = toSsh?.hostPort;
  if (guestSshPort !== undefined && sshPort === undefined) {
    sshPort = await claimFrom(runtimeDir, firstSshPort, held);
    forwards.unshift({ hostPort: sshPort, guestPort: guestSshPort, protocol: "tcp" });
  }
  const vncPort = wanted.vnc ? await claimFrom(runtimeDir, firstVncPort, held) : undefined;
  const locks = held.move();
  return {
    forwards,
    ...(sshPort !== undefined && { sshPort }),
    ...(vncPort !== undefined && { vncPort }),
    [Symbol.asyncDispose]: () => locks[Symbol.asyncDispose](),
  };
}

async function claimFrom(runtimeDir: string, first: number, held: AsyncDisposableStack): Promise<number> {
  for (let port = first; port < first + 1000; port++) {
    if (await claim(runtimeDir, { hostPort: port, protocol: "tcp" }, held)) return port;
  }
  throw new PimError(`No port from ${first} to ${first + 999} is free on 127.0.0.1`);
}

async function claimAny(
  runtimeDir: string,
  protocol: Forward["protocol"],
  held: AsyncDisposableStack,
): Promise<number> {
  for (;;) {
    const hostPort = freePort();
    if (await claim(runtimeDir, { hostPort, protocol }, held)) return hostPort;
  }
}

async function claimExactly(
  runtimeDir: string,
  forward: Forward,
  held: AsyncDisposableStack,
  owner: (port: number) => Promise<string | undefined>,
): Promise<number> {
  const { hostPort } = forward;
  if (await claim(runtimeDir, forward, held)) return hostPort;
  const vm = await owner(hostPort);
  throw new UsageError(
    `Port ${hostPort} of 127.0.0.1 is taken${vm === undefined ? "" : ` by the VM ${vm}`}`,
    { hint: "Forward another port, or 0 to take any free one: --forward 0:GUEST" },
  );
}

async function claim(
  runtimeDir: string,
  { hostPort, protocol }: Pick<Forward, "hostPort" | "protocol">,
  held: AsyncDisposableStack,
): Promise<boolean> {
  // The same number is two ports, one of TCP and one of UDP.
  const lock = await tryLockFile(runtimeLock(runtimeDir, `${protocol}-port`, hostPort));
  if (lock === undefined) return false;
  // Held until the start is over even where a stranger has the port: that does no harm.
  held.use(lock);
  return protocol === "udp" ? await isFreeForUdp(hostPort) : isFree(hostPort);
}

function isFree(port: number): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) throw forRootAlone(port);
    return false;
  }
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const { createSocket } = await import("node:dgram");
  const socket = createSocket("udp4");
  return await new Promise((resolve, reject) => {
    socket.once(
      "error",
      (error: Error & { code?: string }) =>
        error.code === "EACCES" ? reject(forRootAlone(port)) : resolve(false),
    );
    socket.bind({ port, address: "127.0.0.1", exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

function forRootAlone(port: number): UsageError {
  return new UsageError(`Only root may use port ${port} of this host`, {
    hint: "Forward a port from 1024 on, such as --forward 8080:80",
  });
}
