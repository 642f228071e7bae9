import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { generateKeyPair, type KeyPair } from "../../lib/ssh/key.ts";
import { run, type Running, start } from "../../lib/process.ts";

/** A real sshd in the foreground that lets the user who runs the tests in by key. */
export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  readonly key: KeyPair;
  readonly folder: string;
  /** Adds a key that may log in from now on. */
  allow(publicKey: string): Promise<void>;
}

/** Options of {@linkcode startSshd}. */
export interface SshdOptions {
  readonly port?: number;
  readonly key?: KeyPair;
  /** More lines of sshd_config. */
  readonly config?: readonly string[];
  /** Whether the key may log in from the start. */
  readonly allowed?: boolean;
}

/** A free TCP port of the loopback. */
export function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Starts sshd with host keys of its own on a loopback port, and waits until it listens. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const folder = await Deno.makeTempDir({ prefix: "pim-sshd-" });
  const port = options.port ?? freePort();
  const key = options.key ?? await generateKeyPair("test key");
  const username = (await run(["id", "-un"])).stdout.trim();
  if (Deno.uid() === 0) await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const hostKey = await generateKeyPair("host");
  await Deno.writeTextFile(join(folder, "host_key"), hostKey.privateKey, { mode: 0o600 });
  const authorized = join(folder, "authorized_keys");
  const allow = (publicKey: string) =>
    Deno.writeTextFile(authorized, `${publicKey}\n`, { mode: 0o600, append: true });
  if (options.allowed !== false) await allow(key.publicKey);
  const config = [
    `ListenAddress 127.0.0.1:${port}`,
    `HostKey ${join(folder, "host_key")}`,
    `AuthorizedKeysFile ${authorized}`,
    `PidFile none`,
    "StrictModes no",
    "UsePAM no",
    "PermitRootLogin yes",
    "PasswordAuthentication no",
    "LogLevel ERROR",
    "LoginGraceTime 10",
    ...(options.config ?? ["Subsystem sftp internal-sftp"]),
  ];
  await Deno.writeTextFile(join(folder, "sshd_config"), config.join("\n") + "\n");
  const sshd = start(["/usr/sbin/sshd", "-D", "-e", "-f", join(folder, "sshd_config")]);
  await listening(port, sshd);
  return {
    port,
    username,
    key,
    folder,
    allow,
    async [Symbol.asyncDispose]() {
      sshd.kill();
      await sshd.ended;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function listening(port: number, sshd: Running): Promise<void> {
  let ended = false;
  sshd.ended.then(() => ended = true);
  for (;;) {
    if (ended) throw new Error(`sshd did not start: ${sshd.stderr()}`);
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await sleep(10);
    }
  }
}
