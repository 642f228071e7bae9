import { posix } from "node:path";
import type { ImageEntry } from "../../image/entry.ts";
import { log } from "../../log.ts";
import { DeployError } from "../deploy_error.ts";
import { formOf } from "../formats.ts";
import { fillName } from "../name_template.ts";
import type {
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  Place,
  Presence,
  Target,
  TargetCheck,
  TargetType,
} from "../target.ts";
import { sshActions } from "./actions.ts";
import { checkHost } from "./check.ts";
import { SshHost } from "./host.ts";
import { checksumOf, filesOf, partOf } from "./put_file.ts";
import { hasRemoteQemuImg } from "./remote_commands.ts";
import { sshSchema, type SshSettings } from "./settings.ts";

/** Files in a folder of another host, sent over SSH. */
export const ssh: TargetType<SshSettings> = {
  type: "ssh",
  brief: "a file on another host, over SSH",
  schema: sshSchema,
  open: (settings, tools, baseDir) => new SshTarget(settings, tools, baseDir),
};

class SshTarget implements Target {
  readonly #host: SshHost;

  constructor(readonly settings: SshSettings, tools: HostTools, baseDir: string) {
    this.#host = new SshHost(settings, tools, baseDir);
  }

  async check(): Promise<readonly TargetCheck[]> {
    return await checkHost(this.#host);
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const { format, name, host } = this.settings;
    return await this.#host.explained(`deploy ${image.entry.name} to ${host}`, async () => {
      const file = `${fillName(name, image.entry)}.${format}`;
      const { sftp } = await this.#host.connect();
      const path = posix.join(await sftp.absolute(this.settings.path), file);
      const where = `${host}:${path}`;
      const replace = force || ids.path === path;
      if (!replace && await sftp.stat(path) !== undefined && !(await this.#isOurs(path, image, ids))) {
        throw new DeployError(`Cannot deploy ${image.entry.name} to ${where}: something else is there`, {
          hint: "Move it away, set another `name` in targets.d, or replace it with --force.",
        });
      }
      await this.#checkConversion();
      return { where, actions: sshActions(this.#host, { image, path, where, replace }) };
    });
  }

  /** Whether the far side can convert, before anything is sent there to be converted. */
  async #checkConversion(): Promise<void> {
    const { format, compress, convert, host } = this.settings;
    if (convert === "local" || (format === "qcow2" && compress)) return;
    if (await hasRemoteQemuImg(await this.#host.connect(), this.#host.tools.signal)) return;
    throw new DeployError(`${host} cannot convert the image to ${format}: it has no qemu-img`, {
      hint: "Install it there, or set `convert: local` in targets.d.",
    });
  }

  /** Whether a file is this very image, or what was made of it when this deployment was cut short. */
  async #isOurs(path: string, image: DeployImage, ids: Ids): Promise<boolean> {
    const { format, compress } = this.settings;
    const made = ids.part === partOf(path) ? ids.sha256 : undefined;
    const wanted = format === "qcow2" && compress ? image.sha256 : made;
    return wanted !== undefined && await this.#host.sha256(path) === wanted;
  }

  place(entry: ImageEntry): Place {
    const { host, port, path, name, format } = this.settings;
    const file = `${fillName(name, entry)}.${format}`;
    return {
      ...{ at: `${host}:${port}`, name: posix.join(path, file), form: formOf(this.settings) },
      movable: true,
    };
  }

  async presence(ids: Ids): Promise<Presence> {
    const { path } = ids;
    if (path === undefined) return "missing";
    return await this.#host.explained(`look at ${this.settings.host}:${path}`, async () => {
      const found = await (await this.#host.connect()).sftp.stat(path);
      if (found === undefined) return "missing";
      if (String(found.bytes) !== ids.bytes) return "changed";
      if (String(found.modifiedSeconds) === ids.modified) return "there";
      return await this.#host.sha256(path) === ids.sha256 ? "there" : "changed";
    });
  }

  async remove(ids: Ids, kept: Ids = {}): Promise<void> {
    const { host } = this.settings;
    const { path, part, source, efiVars } = ids;
    await this.#host.explained(`remove ${path ?? part} from ${host}`, async () => {
      const { sftp } = await this.#host.connect();
      if (path !== kept.path && await this.#isTaken(ids)) {
        return log.warn(`${host}:${path} stays: another image was deployed there since`);
      }
      const named = path === undefined ? [] : filesOf(path);
      const own = path === kept.path ? [] : [...named, part, source];
      for (const each of [...own, efiVars]) {
        if (each !== undefined && each !== kept.efiVars) await sftp.remove(each);
      }
    });
  }

  /** Whether the name of what was deployed is another image's by now: the checksum beside it tells. */
  async #isTaken({ path, sha256 = "", bytes, modified }: Ids): Promise<boolean> {
    if (path === undefined) return false;
    const { sftp } = await this.#host.connect();
    const found = await sftp.stat(path);
    if (String(found?.bytes) === bytes && String(found?.modifiedSeconds) === modified) return false;
    const file = checksumOf(path);
    if (await sftp.stat(file) === undefined) return false;
    const decoder = new TextDecoder();
    let checksum = "";
    await sftp.read(file, (piece) => checksum += decoder.decode(piece), sha256.length);
    return checksum !== sha256;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#host[Symbol.asyncDispose]();
  }
}
