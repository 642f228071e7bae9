import { posix } from "node:path";
import { messageOf, PimError } from "../../errors.ts";
import type { TargetCheck } from "../target.ts";
import type { Connection } from "./connection.ts";
import type { SshHost } from "./host.ts";
import { hasRemoteQemuImg, remoteFreeBytes } from "./remote_commands.ts";

/** Looks whether a host lets us in and its folder can be written. */
export async function checkHost(ssh: SshHost): Promise<readonly TargetCheck[]> {
  const { settings: { host, path, convert }, tools: { signal } } = ssh;
  let connection: Connection;
  try {
    connection = await ssh.explained(`reach ${host}`, () => ssh.connect());
  } catch (error) {
    if (!(error instanceof PimError) || signal.aborted) throw error;
    return [{ name: "login", ok: false, detail: error.message, hint: error.hint }];
  }
  const { username, hostKey } = connection.session;
  return [
    { name: "login", ok: true, detail: `${username}@${host}, host key ${hostKey}` },
    await checkFolder(connection, path, signal),
    ...(convert === "remote" ? [await checkQemuImg(connection, signal)] : []),
  ];
}

async function checkFolder(connection: Connection, path: string, signal: AbortSignal): Promise<TargetCheck> {
  const { sftp } = connection;
  try {
    const folder = await sftp.absolute(path);
    let nearest = folder;
    while (!(await sftp.stat(nearest))?.isFolder && nearest !== posix.dirname(nearest)) {
      nearest = posix.dirname(nearest);
    }
    const probe = posix.join(nearest, `.pim-${crypto.randomUUID().slice(0, 8)}`);
    await sftp.write(probe, "", { mode: 0o600 });
    await sftp.remove(probe);
    const free = await remoteFreeBytes(connection, nearest, signal);
    const { default: prettyBytes } = await import("pretty-bytes");
    const room = free === undefined ? "" : `, ${prettyBytes(free, { binary: true })} are free`;
    return { name: "folder", ok: true, detail: `${folder} can be written${room}` };
  } catch (error) {
    if (!(error instanceof PimError) || signal.aborted) throw error;
    const hint = "Choose another `path` or `username` in targets.d.";
    return { name: "folder", ok: false, detail: `${path} cannot be written: ${messageOf(error)}`, hint };
  }
}

async function checkQemuImg(connection: Connection, signal: AbortSignal): Promise<TargetCheck> {
  if (await hasRemoteQemuImg(connection, signal)) {
    return { name: "qemu-img", ok: true, detail: "it is there" };
  }
  const hint = "Install it there, or set `convert: local` in targets.d.";
  return { name: "qemu-img", ok: false, detail: "the host has none", hint };
}
