import { HostError } from "../../errors.ts";
import { findPackageManager, installWith, type PackageManager } from "../../package_manager.ts";
import { formatArgv, pipe, type PipeOptions, ProcessError, run, which } from "../../process.ts";
import { DeployError } from "../deploy_error.ts";
import type { HostTools } from "../target.ts";

const packages: Record<PackageManager, string> = {
  "apt-get": "libvirt-clients",
  dnf: "libvirt-client",
  pacman: "libvirt",
  zypper: "libvirt-client",
  apk: "libvirt-client",
  brew: "libvirt",
};

/** What virsh said when it could not do something. */
export class VirshError extends DeployError {
  constructor(readonly said: string, uri: string, cause: unknown) {
    super(`${uri}: ${said}`, { cause, hint: hintFor(said, uri) });
  }
}

/** A command of virsh as a hint has it, ready to paste: addresses of libvirt have letters that mean something to shells. */
export function virshLine(uri: string, ...args: readonly string[]): string {
  return formatArgv(["virsh", "-c", uri, ...args]);
}

/** Runs virsh commands against one libvirt. */
export class Virsh {
  constructor(readonly uri: string, readonly tools: HostTools) {}

  /** What a command writes. Throws VirshError. */
  async ask(...args: string[]): Promise<string> {
    const options = { signal: this.tools.signal, env: this.#env() };
    return await this.#explained(async () => (await run(this.#argv(args), options)).stdout);
  }

  /** What a command writes, or undefined when it says that what it asks for is not there. */
  async askIfThere(...args: string[]): Promise<string | undefined> {
    try {
      return await this.ask(...args);
    } catch (error) {
      const absent =
        /not found|no (domain|storage (vol|pool)|network) with|failed to get (domain|vol|network)/i;
      if (error instanceof VirshError && absent.test(error.said) && !isUnreachable(error.said)) {
        return undefined;
      }
      throw error;
    }
  }

  /** Runs a command through which bytes flow. Throws VirshError. */
  async pipe(args: readonly string[], options: Pick<PipeOptions, "stdin" | "onStdout">): Promise<void> {
    const { signal } = this.tools;
    await this.#explained(() => pipe(this.#argv(args), { ...options, signal, env: this.#env() }));
  }

  #argv(args: readonly string[]): string[] {
    return ["virsh", "--quiet", "--connect", this.uri, ...args];
  }

  /** The agent lets `ssh`, which virsh starts for qemu+ssh, log in. */
  #env(): Record<string, string> {
    const agent = this.tools.env.get("SSH_AUTH_SOCK");
    return agent === undefined ? {} : { SSH_AUTH_SOCK: agent };
  }

  async #explained<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ProcessError) throw new VirshError(saidOf(error.stderr), this.uri, error);
      if (error instanceof HostError && await which("virsh") === undefined) {
        throw new HostError("virsh is not installed or not on PATH", {
          hint: await installHint(),
          cause: error,
        });
      }
      throw error;
    }
  }
}

async function installHint(): Promise<string> {
  const manager = await findPackageManager();
  if (manager === undefined) return "Install libvirt's clients with the package manager of this system.";
  return `Install it: ${installWith(manager, [packages[manager]])}`;
}

function saidOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replace(/^error: /, "").trim()).filter((line) =>
    line !== ""
  );
  return lines.join(": ") || "virsh failed and said nothing";
}

function isUnreachable(said: string): boolean {
  return /failed to connect to the hypervisor/i.test(said);
}

function hintFor(said: string, uri: string): string | undefined {
  if (/permission denied|authentication unavailable|polkit/i.test(said)) {
    return uri.includes("ssh")
      ? `Look whether you can log in there and belong to the group libvirt: ${virshLine(uri, "version")}`
      : "Add yourself to the group libvirt and log in again: sudo usermod -aG libvirt $USER";
  }
  if (/host key verification/i.test(said)) return "Log in there once with ssh, to get to know its host key.";
  if (isUnreachable(said)) return `Look whether libvirt runs there: ${virshLine(uri, "version")}`;
  if (/no storage pool|failed to get pool/i.test(said)) {
    return `Set \`pool\` in targets.d to one that this lists: ${virshLine(uri, "pool-list", "--all")}`;
  }
  if (/storage pool .*not active/i.test(said)) return `Start it: ${virshLine(uri, "pool-start", "POOL")}`;
  if (/no space left/i.test(said)) return "Make room there; then the same command goes on.";
  return undefined;
}
