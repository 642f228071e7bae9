import { join } from "node:path";
import * as v from "valibot";
import { messageOf } from "../../errors.ts";
import { SshError } from "../../ssh/errors.ts";
import type { ExecOptions } from "../../ssh/exec.ts";
import { shellCommand } from "../../ssh/quote.ts";
import { connectSsh, type SshSession } from "../../ssh/session.ts";
import { DeployError } from "../deploy_error.ts";
import { fileBody } from "../file_body.ts";
import type { TargetCheck } from "../target.ts";
import { percentOf } from "./api.ts";
import type { PveGuest } from "./guest_agent.ts";
import type { PveConfig, PveHost, PveVm, Work } from "./host.ts";
import type { ProxmoxSettings } from "./settings.ts";
import { sshGuest } from "./ssh_guest.ts";

const connectMs = 30_000;
// The agent keeps 16 MiB of what a program writes.
const maxAnswerChars = 64 * 1024 * 1024;

/** Logs in at a Proxmox VE host. Throws a DeployError that says what is wrong with the login. */
export async function openSshHost(
  settings: ProxmoxSettings,
  privateKey: string,
  signal: AbortSignal,
): Promise<PveHost> {
  const { host, port = 22, username = "root", host_key } = settings;
  try {
    const session = await connectSsh({
      ...{ host, port, username, signal, timeoutMs: connectMs },
      // The line end at its end is part of a key's file, and was cut off as one of a secret.
      auth: [{ privateKey: `${privateKey}\n` }],
      ...(host_key !== undefined && { hostKey: host_key }),
    });
    return new SshHost(session, settings, signal);
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    throw new DeployError(`Cannot reach ${host}: ${error.message}`, { hint: error.hint, cause: error });
  }
}

const listSchema = v.array(v.object({ vmid: v.optional(v.number()), name: v.optional(v.string(), "") }));
const configSchema = v.object({
  description: v.optional(v.string(), ""),
  template: v.optional(v.union([v.number(), v.string()]), 0),
  lock: v.optional(v.string()),
});

/** A Proxmox VE host by its own programs, qm and pvesh, which need root. */
class SshHost implements PveHost {
  #node: string | undefined;

  constructor(
    readonly session: SshSession,
    readonly settings: ProxmoxSettings,
    readonly signal: AbortSignal,
  ) {}

  /** A node is called as its host, without the domain. */
  async node(): Promise<string> {
    return this.#node ??= this.settings.node ?? (await this.#run(["hostname", "-s"])).trim();
  }

  async check(): Promise<readonly TargetCheck[]> {
    const { host, username = "root", storage, upload_dir } = this.settings;
    const version = (await this.#run(["pveversion"])).trim();
    const status = await this.#exec(
      this.#asRoot(["pvesm", "status", "--storage", storage, "--content", "images"]),
    );
    const active = status.code === 0 &&
      new RegExp(`^${storage}\\s+\\S+\\s+active\\b`, "m").test(status.stdout);
    const { upload } = await this.room();
    return [
      { name: "login", ok: true, detail: `${username}@${host}, ${version}` },
      {
        ...{ name: `storage ${storage}`, ok: active },
        detail: active ? "is active and holds images" : status.stderr.trim() || "holds no images",
        ...(!active &&
          { hint: "Set storage in targets.d to one that `pvesm status --content images` lists." }),
      },
      {
        ...{ name: "room", ok: upload !== undefined },
        detail: upload === undefined
          ? `there is no ${upload_dir}`
          : `${Math.floor(upload / 1024 ** 3)} GiB free in ${upload_dir}`,
        ...(upload === undefined && { hint: "Set upload_dir in targets.d." }),
      },
    ];
  }

  async vms(): Promise<readonly PveVm[]> {
    const found = await this.#pvesh(listSchema, "/cluster/resources", "--type", "vm");
    return found.flatMap(({ vmid, name }) => vmid === undefined ? [] : [{ vmid, name }]);
  }

  async config(vmid: number): Promise<PveConfig | undefined> {
    try {
      const path = `/nodes/${await this.node()}/qemu/${vmid}/config`;
      const { description, template, lock } = await this.#pvesh(configSchema, path);
      return {
        description,
        template: String(template) === "1",
        begun: lock === "create" || lock === "clone",
      };
    } catch (error) {
      if (error instanceof DeployError && /does not exist/.test(error.message)) return undefined;
      throw error;
    }
  }

  async nextId(): Promise<number> {
    return Number(await this.#pvesh(v.union([v.string(), v.number()]), "/cluster/nextid"));
  }

  async room(): Promise<{ upload?: number }> {
    const { code, stdout } = await this.#exec(["df", "--output=avail", "-B1", this.settings.upload_dir]);
    const upload = Number(stdout.trim().split("\n").at(-1));
    return code === 0 && Number.isFinite(upload) ? { upload } : {};
  }

  sourceOf(fileName: string): string {
    return join(this.settings.upload_dir, fileName);
  }

  async upload(path: string, fileName: string, sha256: string, { signal, progress }: Work): Promise<void> {
    const target = this.sourceOf(fileName);
    const body = await fileBody(path, { signal, progress });
    // Readable for its owner alone: root, who imports it, reads it all the same.
    const command = `umask 077 && cat > ${shellCommand([target])}`;
    const { code, stderr } = await this.#exec(command, { stdin: body.pieces() });
    if (code !== 0) {
      throw new DeployError(`Cannot write ${target} at ${this.settings.host}: ${stderr.trim()}`, {
        hint: "Make room there, or set upload_dir in targets.d.",
      });
    }
    const [found = ""] = (await this.#run(["sha256sum", "--", target])).split(/\s/);
    if (found === sha256) return;
    throw new DeployError(`What arrived at ${this.settings.host} is not the image: its SHA-256 is ${found}`, {
      hint: "It was damaged on its way, or the image has changed since it was built. Deploy it again.",
    });
  }

  async uploaded(sources: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const found = new Map<string, number>();
    for (const source of sources) {
      const { code, stdout } = await this.#exec(["stat", "-c", "%s", "--", source]);
      if (code === 0) found.set(source, Number(stdout.trim()));
    }
    return found;
  }

  async discard(source: string): Promise<void> {
    await this.#run(["rm", "-f", "--", source]);
  }

  async create(
    vmid: number,
    parameters: Readonly<Record<string, string>>,
    { progress }: Work,
  ): Promise<void> {
    const flags = Object.entries(parameters).flatMap(([key, value]) => [`--${key}`, value]);
    await this.#run(this.#asRoot(["qm", "create", String(vmid), ...flags]), {
      onStdout(text) {
        const percent = text.split("\n").map(percentOf).filter((each) => each !== undefined).at(-1);
        if (percent !== undefined) progress(percent, 100);
      },
    });
  }

  async stopTask(): Promise<void> {
    // qm works in its own process, which ended with its connection or goes on to its own end.
  }

  async toTemplate(vmid: number): Promise<void> {
    await this.#run(this.#asRoot(["qm", "template", String(vmid)]));
  }

  async clone(
    template: number,
    vmid: number,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> {
    const flags = Object.entries({ full: "0", ...parameters }).flatMap(([key, value]) => [`--${key}`, value]);
    await this.#run(this.#asRoot(["qm", "clone", String(template), String(vmid), ...flags]));
  }

  async start(vmid: number): Promise<void> {
    await this.#run(this.#asRoot(["qm", "start", String(vmid)]));
  }

  async stop(vmid: number): Promise<void> {
    await this.#run(this.#asRoot(["qm", "stop", String(vmid)]));
  }

  async running(vmid: number): Promise<boolean> {
    return /^status: running$/m.test(await this.#run(this.#asRoot(["qm", "status", String(vmid)])));
  }

  guest(vmid: number): PveGuest {
    return sshGuest(
      (args, stdin) =>
        this.#run(this.#asRoot(["qm", "guest", ...args]), {
          ...(stdin !== undefined && { stdin }),
          keepChars: maxAnswerChars,
        }),
      vmid,
    );
  }

  async destroy(vmid: number): Promise<void> {
    await this.#run(
      this.#asRoot(["qm", "destroy", String(vmid), "--purge", "1", "--destroy-unreferenced-disks", "1"]),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session[Symbol.asyncDispose]();
  }

  async #pvesh<S extends v.GenericSchema>(
    schema: S,
    path: string,
    ...flags: readonly string[]
  ): Promise<v.InferOutput<S>> {
    const argv = this.#asRoot(["pvesh", "get", path, ...flags, "--output-format", "json"]);
    const stdout = await this.#run(argv);
    try {
      return v.parse(schema, JSON.parse(stdout));
    } catch (cause) {
      throw new DeployError(`What pvesh get ${path} prints is not understood: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  #asRoot(argv: readonly string[]): readonly string[] {
    return (this.settings.username ?? "root") === "root" ? argv : ["sudo", "-n", ...argv];
  }

  async #run(argv: readonly string[], options: ExecOptions = {}): Promise<string> {
    const { code, signal, stdout, stderr } = await this.#exec(argv, options);
    if (code === 0) return stdout;
    const [program = ""] = argv;
    const said = stderr.trim().split("\n").slice(-5).join("; ") || `it ended with ${code ?? signal}`;
    throw new DeployError(`${program === "sudo" ? argv[2] : program} at ${this.settings.host}: ${said}`, {
      ...(code === 127 && { hint: "Is this a Proxmox VE host?" }),
    });
  }

  async #exec(
    command: readonly string[] | string,
    options: ExecOptions = {},
  ): ReturnType<SshSession["exec"]> {
    try {
      const line = typeof command === "string" ? command : shellCommand(command);
      return await this.session.exec(line, { signal: this.signal, ...options });
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      throw new DeployError(`${this.settings.host}: ${error.message}`, { hint: error.hint, cause: error });
    }
  }
}
