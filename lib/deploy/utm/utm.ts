import { join } from "node:path";
import * as v from "valibot";
import { exists, readTextIfThere, removeIfThere, statIfThere, writeFileAtomic } from "../../files.ts";
import { PimError } from "../../errors.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { writtenPath } from "../../paths.ts";
import { changedError } from "../convert.ts";
import { hashFile } from "../../hash.ts";
import { copyWithHash } from "../copy_file.ts";
import { DeployError } from "../deploy_error.ts";
import { usableVars } from "../efi_vars.ts";
import { checkFolder } from "../folder_check.ts";
import { cpusSetting, memorySetting } from "../machine_settings.ts";
import { fillName, nameTemplate } from "../name_template.ts";
import { removeHere } from "../remove_here.ts";
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
} from "../target.ts";
import { writeError } from "../write_error.ts";
import { diskName, machineUuid, utmConfig, type UtmMachine, utmMark } from "./config.ts";
import { plist } from "./plist.ts";

const schema = v.strictObject({
  /** Folder; relative to the file that names it. */
  path: v.pipe(v.string(), v.nonEmpty("a folder")),
  /** Name of the bundle without .utm, and of the machine in UTM. */
  name: nameTemplate,
  /** Memory of the machine. */
  memory: memorySetting,
  /** Processors of the machine. */
  cpus: cpusSetting,
  /** UTM's network mode. */
  network: v.optional(v.picklist(["shared", "emulated", "host"]), "shared"),
});

type Settings = v.InferOutput<typeof schema>;

/** A machine for UTM on a Mac: a .utm bundle in a folder of this host. */
export const utm: TargetType<Settings> = {
  type: "utm",
  brief: "a .utm bundle in a folder, for UTM on macOS and iOS",
  schema,
  open: (settings, tools, baseDir) => new UtmTarget(settings, tools, baseDir),
};

class UtmTarget implements Target {
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

  async plan(image: DeployImage, { force }: { readonly force: boolean }): Promise<DeployPlan> {
    const name = fillName(this.settings.name, image.entry);
    const path = this.#pathOf(image.entry);
    const there = await exists(path);
    if (there && !force) {
      if (await this.#isFresh(path, image)) return { where: path, actions: [keepAction(path, image)] };
      throw new DeployError(`Cannot deploy ${image.entry.name} to ${path}: ${await whatIsThere(path)}`, {
        hint: "Move it away, set another `name` in targets.d, or replace it with --force.",
      });
    }
    const { memory, cpus, network } = this.settings;
    const machine = { name, cpus, network, memoryMiB: memory };
    const vars = await usableVars(image);
    return {
      where: path,
      actions: [
        {
          phase: "upload",
          text: `write a bundle with the image${vars === undefined ? "" : " and its UEFI variables"}`,
          run: (context) => writeBundle(path, image, vars, machine, context),
        },
        {
          phase: "register",
          text: there ? `put it in the place of what is at ${path}` : `put it in place as ${path}`,
          run: (context) => putInPlace(path, image, context),
        },
      ],
    };
  }

  place(entry: ImageEntry): Place {
    return { at: "", name: this.#pathOf(entry), movable: true };
  }

  #pathOf(entry: ImageEntry): string {
    return join(this.#folder, `${fillName(this.settings.name, entry)}.utm`);
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    if (ids.path === undefined || ids.disk === undefined) return "missing";
    const config = await readTextIfThere(join(ids.path, "config.plist"));
    const info = await statIfThere(join(ids.path, "Data", ids.disk));
    if (config === undefined || info === undefined) return "missing";
    if (!config.includes(`sha256:${sha256}`) || String(info.size) !== ids.bytes) return "changed";
    if (String(info.mtime?.getTime()) === ids.modified) return "there";
    const found = await hashFile(join(ids.path, "Data", ids.disk), "sha256", { signal: this.tools.signal });
    return found === sha256 ? "there" : "changed";
  }

  async remove(ids: Ids): Promise<void> {
    if (ids.path === undefined || !await exists(ids.path)) return;
    const config = await readTextIfThere(join(ids.path, "config.plist"));
    if (config === undefined || !/pim image \S+ sha256:/.test(config)) {
      throw new DeployError(`Cannot remove ${ids.path}: it is no bundle that pim has made`, {
        hint: "Remove it by hand, or only forget the deployment with --forget.",
      });
    }
    // Under the same name there may be a later image's machine by now.
    if (ids.disk !== undefined && config.includes(ids.disk)) await removeHere(ids.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Whether a bundle is this image, and has never been started. */
  async #isFresh(path: string, image: DeployImage): Promise<boolean> {
    const config = await readTextIfThere(join(path, "config.plist"));
    if (config === undefined || !config.includes(utmMark(image))) return false;
    const disk = join(path, "Data", diskOf(path, image));
    return await exists(disk) &&
      await hashFile(disk, "sha256", { signal: this.tools.signal }) === image.sha256;
  }
}

async function whatIsThere(path: string): Promise<string> {
  const config = await readTextIfThere(join(path, "config.plist"));
  const found = /pim image (\S+) sha256:/.exec(config ?? "");
  return found === null
    ? "something else is there"
    : `a machine made of ${found[1]} is there, which has been used or is another image`;
}

function keepAction(path: string, image: DeployImage): Action {
  return {
    phase: "register",
    text: `write down ${path}, which is there already`,
    run: async (context) => await context.made(await facts(path, image)),
  };
}

function partOf(path: string): string {
  return `${path.replace(/[^/]+$/, (name) => `.${name}`)}.part`;
}

function diskOf(path: string, image: DeployImage): string {
  return diskName(machineUuid(image, (path.split("/").at(-1) ?? "").replace(/\.utm$/, "")));
}

/** Writes the whole bundle under a name of a moment; nothing stays of a failure. */
async function writeBundle(
  path: string,
  image: DeployImage,
  vars: string | undefined,
  machine: UtmMachine,
  context: ActionContext,
): Promise<void> {
  const part = partOf(path);
  try {
    await removeIfThere(part);
    await Deno.mkdir(join(part, "Data"), { recursive: true });
    const disk = join(part, "Data", diskOf(path, image));
    const copied = await copyWithHash(image.path, disk, context);
    if (copied !== image.sha256) throw changedError(image, copied);
    if (vars !== undefined) await Deno.copyFile(vars, join(part, "Data", "efi_vars.fd"));
    await writeFileAtomic(join(part, "config.plist"), plist(utmConfig(image, machine)));
    using written = await Deno.open(disk);
    await written.sync();
  } catch (cause) {
    await removeIfThere(part);
    if (cause instanceof PimError && cause.name !== "PimError") throw cause;
    throw writeError(path, cause);
  }
}

/** Gives the bundle its name; what had it before is gone only when the new one is there. */
async function putInPlace(path: string, image: DeployImage, context: ActionContext): Promise<void> {
  const old = `${partOf(path)}.old`;
  await removeIfThere(old);
  if (await exists(path)) await Deno.rename(path, old);
  await Deno.rename(partOf(path), path);
  await removeIfThere(old);
  await context.made(await facts(path, image));
}

async function facts(path: string, image: DeployImage): Promise<Ids> {
  const disk = diskOf(path, image);
  const info = await Deno.stat(join(path, "Data", disk));
  return { path, disk, bytes: String(info.size), modified: String(info.mtime?.getTime()) };
}
