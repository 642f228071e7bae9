import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { lastLines } from "../../lines.ts";
import { SshError } from "../../ssh/errors.ts";
import type { ExecResult } from "../../ssh/exec.ts";
import { shellQuote } from "../../ssh/quote.ts";
import { DeployError } from "../deploy_error.ts";
import type { Connection } from "./connection.ts";

/** Runs a script of the far side's POSIX shell, whatever the user's own shell is; undefined where there is none. */
export async function runScript(
  { session }: Connection,
  script: string,
  options: { readonly signal: AbortSignal; readonly onStdout?: (text: string) => void },
): Promise<ExecResult | undefined> {
  return await attempt(() => session.exec(`sh -c ${shellQuote(script)}`, options));
}

async function attempt(work: () => Promise<ExecResult>): Promise<ExecResult | undefined> {
  try {
    return await work();
  } catch (error) {
    // Hosts for SFTP alone refuse commands.
    if (error instanceof SshError && error.kind === "protocol") return undefined;
    throw error;
  }
}

/**
 * The SHA-256 of a remote file or of its first bytes, in hexadecimal: computed over there with what its system has,
 * else from the file read back.
 */
export async function remoteSha256(
  connection: Connection,
  path: string,
  { signal, bytes }: { readonly signal: AbortSignal; readonly bytes?: number },
): Promise<string> {
  const posix = await runScript(connection, posixHash(path, bytes), { signal });
  const found = digestIn(posix);
  if (found !== undefined) return found;
  const script = powerShellHash(path, bytes);
  const encoded = Buffer.from(script, "utf16le").toString("base64");
  const windows = await attempt(() =>
    connection.session.exec(`powershell -NoProfile -NonInteractive -EncodedCommand ${encoded}`, { signal })
  );
  const other = digestIn(windows);
  if (other !== undefined) return other;
  const hash = createHash("sha256");
  await connection.sftp.read(path, (piece) => hash.update(piece), bytes);
  return hash.digest("hex");
}

function digestIn(result: ExecResult | undefined): string | undefined {
  if (result?.code !== 0) return undefined;
  return /^\s*([0-9a-f]{64})\b/i.exec(result.stdout)?.[1]?.toLowerCase();
}

// OpenSSL first: it has the processor's instructions for it, where most builds of sha256sum take four times as long.
const hashPrograms = ["openssl dgst -sha256 -r", "sha256sum", "shasum -a 256"];

function posixHash(path: string, bytes?: number): string {
  const file = shellQuote(path);
  // Each from the file's beginning: one that failed may have read some of it.
  const tries = hashPrograms.map((program) =>
    `${bytes === undefined ? `${program} < ${file}` : `head -c ${bytes} ${file} | ${program}`} 2>/dev/null`
  );
  return `test -r ${file} && { ${tries.join(" || ")}; }`;
}

function powerShellHash(path: string, bytes?: number): string {
  // SFTP calls it /C:/images.
  const name = path.replace(/^\/(?=[A-Za-z]:)/, "").replaceAll("'", "''");
  return [
    "$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'",
    `$file = [IO.File]::OpenRead('${name}')`,
    "$hash = [Security.Cryptography.SHA256]::Create()",
    "$buffer = New-Object byte[] 1048576",
    `$rest = [long]${bytes ?? "$file.Length"}`,
    "while ($rest -gt 0) {",
    "  $count = $file.Read($buffer, 0, [Math]::Min($buffer.Length, $rest))",
    "  if ($count -eq 0) { break }",
    "  [void]$hash.TransformBlock($buffer, 0, $count, $buffer, 0); $rest -= $count",
    "}",
    "[void]$hash.TransformFinalBlock($buffer, 0, 0)",
    "[BitConverter]::ToString($hash.Hash).Replace('-', '')",
  ].join("\n");
}

/** Bytes that can still be written to a remote folder, or undefined when the host cannot tell. */
export async function remoteFreeBytes(
  connection: Connection,
  folder: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  const told = await connection.sftp.freeBytes(folder);
  if (told !== undefined) return told;
  const result = await runScript(connection, `df -Pk ${shellQuote(folder)}`, { signal });
  // POSIX df -P: name, blocks, used, available, capacity, where; a name may have blanks.
  const available = /\s(\d+)\s+\d+%\s/.exec(lastLines(result?.stdout ?? "", 1))?.[1];
  return result?.code === 0 && available !== undefined ? Number(available) * 1024 : undefined;
}

/** Whether the far side has qemu-img. */
export async function hasRemoteQemuImg(connection: Connection, signal: AbortSignal): Promise<boolean> {
  return (await runScript(connection, "qemu-img --version", { signal }))?.code === 0;
}

/** Runs the far side's qemu-img. */
export async function remoteQemuImg(
  connection: Connection,
  args: readonly string[],
  options: { readonly signal: AbortSignal; readonly onStdout?: (text: string) => void },
): Promise<void> {
  const result = await runScript(connection, ["exec qemu-img", ...args.map(shellQuote)].join(" "), options);
  if (result?.code === 0) return;
  throw new DeployError(`The qemu-img over there failed: ${lastLines(result?.stderr ?? "", 3)}`, {
    hint: "Set `convert: local` in targets.d to have that of this host do it.",
  });
}
