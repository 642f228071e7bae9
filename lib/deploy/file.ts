import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { exists, readTextIfThere, removeIfThere, statIfThere, writeFileAtomic } from "../files.ts";
import { writtenPath } from "../paths.ts";
import { PimError } from "../errors.ts";
import { changedError, writeConverted } from "./convert.ts";
import { copyWithHash } from "./copy_file.ts";
import { hashFile } from "../hash.ts";
import type { ImageEntry } from "../image/entry.ts";
import { log } from "../log.ts";
import { DeployError } from "./deploy_error.ts";
import { checkFolder } from "./folder_check.ts";
import { type DiskFormat, diskFormats, formOf } from "./formats.ts";
import { fillName, nameTemplate } from "./name_template.ts";
import { removeHere } from "./remove_here.ts";
import type {
  Action,
  ActionContext,
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  Place,
  Presence,
  Target,
  TargetCheck,
  TargetType,
} from "./target.ts";
import { writeError } from "./write_error.ts";

const schema = v.strictObject({
  /** Folder; relative to the file that names it. */
  path: v.pipe(v.string(), v.nonEmpty("a folder")),
  /** Format of the file; vmdk is stream-optimised, as ESXi and clouds import it. */
  format: v.optional(v.picklist(diskFormats), "qcow2"),
  /** Whether a qcow2 is compressed. */
  compress: v.optional(v.boolean(), true),
  /** Name of the file without its ending. */
  name: nameTemplate,
});

type Settings = v.InferOutput<typeof schema>;

/** Files in a folder of this host, or of a share that is mounted here. */
export const file: TargetType<Settings> = {
  type: "file",
  brief: "a file in a folder, in any disk format",
  verifies: true,
  schema,
  open: (settings, tools, baseDir) => new FileTarget(settings, tools, baseDir),
};

class FileTarget implements Target {
  readonly #folder: string;

  constructor(
    readonly settings: Settings,
    readonly tools: HostTools,
    baseDir: string,
  ) {
    this.#folder = writtenPath(settings.path, baseDir, tools.env);
  }

  async check(): Promise<readonly TargetCheck[]> {
    return [await checkFolder(this.#folder)];
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const { format, compress } = this.settings;
    const path = this.#pathOf(image.entry);
    if (!force && ids.path !== path && await exists(path)) {
      throw new DeployError(`Cannot deploy ${image.entry.name} to ${path}: something else is there`, {
        hint: "Move it away, set another `name` in targets.d, or replace it with --force.",
      });
    }
    const plain = format === "qcow2" && compress;
    const write: Action = {
      phase: "upload",
      text: plain ? `copy the image to ${path}` : `write it as ${format} to ${path}`,
      run: (context) =>
        plain ? this.#copy(image, path, context) : this.#convert(image, path, format, context),
    };
    const vars = image.efiVars;
    return {
      where: path,
      actions: [
        write,
        ...(vars === undefined ? [] : [this.#varsAction(vars, path)]),
        {
          phase: "register",
          text: `write its checksum to ${path}.sha256`,
          run: (context) => this.#writeChecksum(path, context),
        },
      ],
    };
  }

  place(entry: ImageEntry): Place {
    return { at: "", name: this.#pathOf(entry), form: formOf(this.settings), movable: true };
  }

  #pathOf(entry: ImageEntry): string {
    return join(this.#folder, `${fillName(this.settings.name, entry)}.${this.settings.format}`);
  }

  async presence(ids: Ids): Promise<Presence> {
    if (ids.path === undefined) return "missing";
    const info = await statIfThere(ids.path);
    if (info === undefined) return "missing";
    if (String(info.size) !== ids.bytes) return "changed";
    if (ids.modified === String(info.mtime?.getTime())) return "there";
    return await hashFile(ids.path, "sha256", { signal: this.tools.signal }) === ids.sha256
      ? "there"
      : "changed";
  }

  async remove({ path, sha256, efiVars }: Ids, kept: Ids = {}): Promise<void> {
    if (path !== undefined && path !== kept.path) {
      // Under the same name there may be a later image by now: the checksum beside it tells.
      const checksum = await readTextIfThere(`${path}.sha256`);
      if (checksum !== undefined && sha256 !== undefined && !checksum.startsWith(sha256)) {
        return log.warn(`${path} stays: another image was deployed there since`);
      }
      await removeHere(path);
      await removeHere(`${path}.sha256`);
    }
    if (efiVars !== undefined && efiVars !== kept.efiVars) await removeHere(efiVars);
  }

  disk({ path = "", efiVars }: Ids): ReturnType<NonNullable<Target["disk"]>> {
    const format = diskFormats.find((each) => path.endsWith(`.${each}`)) ?? this.settings.format;
    return { path, format: format === "vhd" ? "vpc" : format, ...(efiVars !== undefined && { efiVars }) };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #copy(image: DeployImage, path: string, context: ActionContext): Promise<void> {
    await this.#writeImage(path, context, async (part) => {
      const copied = await copyWithHash(image.path, part, context);
      if (copied !== image.sha256) throw changedError(image, copied);
      return copied;
    });
  }

  async #convert(
    image: DeployImage,
    path: string,
    format: DiskFormat,
    context: ActionContext,
  ): Promise<void> {
    const qemuImg = await this.tools.qemuImg();
    const { signal, progress } = context;
    const { compress } = this.settings;
    await this.#writeImage(path, context, async (part) => {
      await writeConverted(image, part, { qemuImg, format, compress, signal, progress });
      return await hashFile(part, "sha256", { signal });
    });
  }

  /** Puts a file that `write` makes, and whose SHA-256 it returns, in place as the deployed image. */
  async #writeImage(
    path: string,
    { made }: ActionContext,
    write: (part: string) => Promise<string>,
  ): Promise<void> {
    // Known before the file has its name: from then on there is nothing that could be cancelled.
    let facts: Ids = {};
    await this.#inPlace(path, async (part) => {
      const sha256 = await write(part);
      const { size, mtime } = await Deno.stat(part);
      facts = { bytes: String(size), modified: String(mtime?.getTime()), sha256 };
      // It is that of the file which had the name before.
      await removeIfThere(`${path}.sha256`);
    });
    await made({ path, ...facts });
  }

  /** Writes under a name of a moment and gives the file its own when it is whole; nothing stays of a failure. */
  async #inPlace(path: string, write: (part: string) => Promise<void>): Promise<void> {
    const part = join(dirname(path), `.${basename(path)}.part`);
    try {
      await Deno.mkdir(dirname(path), { recursive: true });
      await removeIfThere(part);
      await write(part);
      using written = await Deno.open(part);
      await written.sync();
      await Deno.rename(part, path);
    } catch (cause) {
      await removeIfThere(part);
      if (cause instanceof PimError) throw cause;
      throw writeError(path, cause);
    }
  }

  #varsAction(vars: string, path: string): Action {
    const target = path.replace(/\.[a-z0-9]+$/, "-efi-vars.fd");
    return {
      phase: "upload",
      text: `copy its UEFI variables to ${target}`,
      run: async (context) => {
        await this.#inPlace(target, async (part) => void await copyWithHash(vars, part, context));
        await context.made({ efiVars: target });
      },
    };
  }

  async #writeChecksum(path: string, { ids }: ActionContext): Promise<void> {
    await writeFileAtomic(`${path}.sha256`, `${ids.sha256}  ${basename(path)}\n`);
  }
}
