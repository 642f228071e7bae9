import { PimError } from "../../errors.ts";
import type { GuestPackage, GuestSystem } from "../../image/manifest.ts";
import type { SshSession } from "../../ssh/session.ts";
import { packageManagers } from "./package_lists.ts";

/** What is installed in a guest. */
export interface GuestInventory {
  readonly system: GuestSystem;
  readonly packages: readonly GuestPackage[];
}

const timeoutMs = 120_000;
// A desktop has 3,000 packages with 80 characters each; apk's database has their files too.
const keepChars = 64 * 1024 ** 2;

/** Asks a guest what it is and what is installed in it; throws PimError when it does not say. */
export async function readInventory(ssh: SshSession, signal: AbortSignal): Promise<GuestInventory> {
  const release = await ask(ssh, "cat /etc/os-release 2>/dev/null || cat /usr/lib/os-release", signal);
  const facts = parseOsRelease(release ?? "");
  const kernel = await ask(ssh, "uname -r", signal);
  if (kernel === undefined) throw new PimError("The guest does not tell its kernel's release (uname -r)");
  // The defaults of os-release(5).
  const system = {
    id: facts.get("ID") || "linux",
    prettyName: facts.get("PRETTY_NAME") || "Linux",
    ...(facts.get("VERSION_ID") && { versionId: facts.get("VERSION_ID") }),
    kernel: kernel.trim(),
  };
  for (const { format, command, parse } of packageManagers) {
    const output = await ask(ssh, command, signal);
    const packages = output === undefined ? [] : parse(output);
    if (packages.length > 0) return { system: { ...system, packageFormat: format }, packages };
  }
  return { system, packages: [] };
}

/** What a command prints, or undefined when it fails. */
async function ask(ssh: SshSession, command: string, signal: AbortSignal): Promise<string | undefined> {
  const { code, stdout } = await ssh.exec(`LC_ALL=C; export LC_ALL; ${command}`, {
    signal,
    timeoutMs,
    keepChars,
  });
  return code === 0 ? stdout : undefined;
}

/** The variables of os-release(5), which are written as a shell would read them. */
export function parseOsRelease(text: string): Map<string, string> {
  const found = [...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.*)$/gm)];
  return new Map(found.map(([, name = "", value = ""]) => [name, unquote(value.trim())]));
}

function unquote(value: string): string {
  const [, quote, inner = value] = /^(["'])(.*)\1$/s.exec(value) ?? [];
  return quote === "'" ? inner : inner.replace(/\\([\\"$`'])/g, "$1");
}
