import { resolve } from "node:path";
import { messageOf, UsageError } from "../../errors.ts";
import { readTextIfThere } from "../../files.ts";
import type { HttpError } from "../../http_error.ts";
import { convertImage } from "../../qemu/img.ts";
import type { TlsTrust } from "../../tls_pin.ts";
import { deploying } from "../api_failure.ts";
import { DeployError } from "../deploy_error.ts";
import { fillName } from "../name_template.ts";
import type {
  Action,
  ActionContext,
  DeployImage,
  DeployPlan,
  HostTools,
  Ids,
  Presence,
  Target,
  TargetCheck,
} from "../target.ts";
import { Glance, type GlanceImage } from "./glance.ts";
import { type KeystoneSession, logIn } from "./keystone.ts";
import type { OpenstackSettings } from "./settings.ts";
import { checkStored, isLeftover, uploadImage } from "./upload.ts";

/** The image service of an OpenStack cloud. */
export class OpenstackTarget implements Target {
  #glance: Promise<Glance> | undefined;

  constructor(
    readonly settings: OpenstackSettings,
    readonly tools: HostTools,
    readonly baseDir: string,
  ) {}

  async check(): Promise<readonly TargetCheck[]> {
    try {
      const glance = await this.#open();
      const { project, expires, imageUrl } = await glance.session();
      await glance.named("pim-check");
      return [
        { name: "credential", ok: true, detail: `project ${project.name}, token until ${expires}` },
        { name: "image service", ok: true, detail: imageUrl },
        ...(this.settings.import ? [await importCheck(glance)] : []),
      ];
    } catch (error) {
      if (this.tools.signal.aborted) throw error;
      const hint = (error as { hint?: string }).hint;
      return [{ name: "cloud", ok: false, detail: messageOf(error), ...(hint !== undefined && { hint }) }];
    }
  }

  async plan(
    image: DeployImage,
    { force, ids }: { readonly force: boolean; readonly ids: Ids },
  ): Promise<DeployPlan> {
    const name = fillName(this.settings.name, image.entry);
    return await deploying(`deploy ${image.entry.name}`, async () => {
      const glance = await this.#open();
      const session = await glance.session();
      const where = `image ${name} in project ${session.project.name}, ${placeOf(session)}`;
      const taken = await glance.named(name);
      const same = taken.find((each) => isWhole(each, image.sha256));
      if (same !== undefined && !force) return { where, actions: [keepAction(same, glance, this.settings)] };
      const [other] = taken;
      if (other !== undefined && !force) throw takenError(image, name, other);
      const left = ids.image === undefined ? undefined : await glance.find(ids.image);
      return {
        where,
        actions: [
          ...this.#upload(glance, image, name, left),
          this.#nameIt(glance, name, where),
          ...taken.filter(({ pim_sha256 }) => typeof pim_sha256 === "string")
            .map((old) => replacedAction(glance, old)),
        ],
      };
    });
  }

  async presence(ids: Ids, sha256: string): Promise<Presence> {
    return await deploying("look for the image", async () => {
      const found = ids.image === undefined ? undefined : await (await this.#open()).find(ids.image);
      if (found === undefined) return "missing";
      return isWhole(found, sha256) && (found.os_hash_value ?? found.checksum) === ids.hash
        ? "there"
        : "changed";
    });
  }

  async remove(ids: Ids): Promise<void> {
    const { image } = ids;
    if (image === undefined) return;
    await deploying("remove the image", async () => {
      const glance = await this.#open();
      const found = await glance.find(image);
      if (found === undefined) return;
      if (typeof found.pim_sha256 !== "string") {
        throw new DeployError(`Cannot remove the image ${image}: pim has not made it`, {
          hint: "Remove it by hand, or only forget the deployment with --forget.",
        });
      }
      await glance.remove(image);
    }, refusedRemoval);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** What brings the data there: nothing when an interrupted deployment has brought all of it. */
  #upload(
    glance: Glance,
    image: DeployImage,
    name: string,
    left: GlanceImage | undefined,
  ): readonly Action[] {
    const { format, import: imported } = this.settings;
    const leftover = left !== undefined && isLeftover(left, name) ? left : undefined;
    if (leftover !== undefined && format === "qcow2" && isWhole(leftover, image.sha256)) {
      return [{
        phase: "upload",
        text: `compare the checksum of the image ${leftover.id}, which is uploaded already`,
        run: () => checkStored(leftover, image.path),
      }];
    }
    const raw = format === "raw";
    const size = raw ? image.entry.virtualBytes : image.entry.bytes;
    const how = `${format}${imported ? ", staged and imported" : ""}`;
    return [
      ...(leftover === undefined ? [] : [discardAction(glance, leftover)]),
      ...(raw
        ? [{
          phase: "upload" as const,
          text: "write it as raw to a file of a moment",
          run: (context: ActionContext) => this.#writeRaw(image, rawPath(context), context),
        }]
        : []),
      {
        phase: "upload",
        text: `upload ${Math.ceil(size / 1024 ** 2)} MiB (${how}) and compare its checksum`,
        run: (context) =>
          deploying(`deploy ${image.entry.name}`, async () => {
            const path = raw ? rawPath(context) : image.path;
            await uploadImage(glance, { image, name, path, settings: this.settings }, context);
          }, uploadHint),
      },
    ];
  }

  #nameIt(glance: Glance, name: string, where: string): Action {
    const { visibility } = this.settings;
    return {
      phase: "register",
      text: `call it ${name}, visibility ${visibility}`,
      run: (context) =>
        deploying(
          `register the ${where}`,
          () => register(glance, context.ids.image ?? "", name, this.settings, context),
          ({ status }) =>
            status === 403
              ? "Your role may not make images visible like this: set visibility: private in targets.d."
              : undefined,
        ),
    };
  }

  async #writeRaw(image: DeployImage, target: string, { signal, progress }: ActionContext): Promise<void> {
    const qemuImg = await this.tools.qemuImg();
    const { virtualBytes } = image.entry;
    await convertImage({ source: image.path, target, format: "raw" }, {
      ...{ qemuImg, signal },
      onProgress: (fraction) => progress(fraction * virtualBytes, virtualBytes),
    });
  }

  #open(): Promise<Glance> {
    return this.#glance ??= this.#connect();
  }

  async #connect(): Promise<Glance> {
    const { settings, tools: { signal } } = this;
    const secret = await this.tools.secret(settings.application_credential_secret, this.baseDir);
    const trust = await this.#trust();
    const options = { signal, ...(trust !== undefined && { trust }) };
    return new Glance(() =>
      logIn({
        ...{ authUrl: settings.auth_url, credentialId: settings.application_credential_id, secret },
        ...{ interface: settings.interface, ...options },
        ...(settings.region !== undefined && { region: settings.region }),
      }), options);
  }

  async #trust(): Promise<TlsTrust | undefined> {
    const { ca_file } = this.settings;
    if (ca_file === undefined) return undefined;
    const path = resolve(this.baseDir, ca_file);
    const ca = await readTextIfThere(path);
    if (ca !== undefined) return { ca };
    throw new UsageError(`There is no ${path}, which ca_file of the target names`);
  }
}

function placeOf({ imageUrl, region }: KeystoneSession): string {
  return `${new URL(imageUrl).host}${region === "" ? "" : ` (${region})`}`;
}

function rawPath({ workDir }: ActionContext): string {
  return resolve(workDir, "disk.raw");
}

function isWhole(found: GlanceImage, sha256: string): boolean {
  return found.status === "active" && found.pim_sha256 === sha256;
}

async function importCheck(glance: Glance): Promise<TargetCheck> {
  const methods = await glance.importMethods();
  const ok = methods.includes("glance-direct");
  const detail = methods.length === 0 ? "imports are not offered" : `imports: ${methods.join(", ")}`;
  return { name: "import", ok, detail, ...(!ok && { hint: "Leave `import` out of targets.d." }) };
}

function takenError(image: DeployImage, name: string, other: GlanceImage): DeployError {
  const what = typeof other.pim_image === "string" ? `${other.pim_image}, deployed by pim` : "not pim's";
  return new DeployError(
    `Cannot deploy ${image.entry.name}: there is an image ${name} already (${other.id}, ${what})`,
    {
      hint: typeof other.pim_image === "string"
        ? "Put this one in its place with --force."
        : "Set another `name` in targets.d, or deploy beside it with --force.",
    },
  );
}

function keepAction(same: GlanceImage, glance: Glance, settings: OpenstackSettings): Action {
  return {
    phase: "register",
    text: `write down the image ${same.id}, which is there already`,
    run: async (context) => {
      await context.made({ image: same.id });
      await deploying(
        "register the image",
        () => register(glance, same.id, same.name ?? "", settings, context),
      );
    },
  };
}

function discardAction(glance: Glance, { id }: GlanceImage): Action {
  return {
    phase: "upload",
    text: `remove the image ${id}, which an interrupted deployment has left`,
    run: () => deploying(`remove the image ${id}`, () => glance.remove(id), refusedRemoval),
  };
}

function replacedAction(glance: Glance, { id, pim_image }: GlanceImage): Action {
  return {
    phase: "register",
    text: `remove the image ${id} (${pim_image}), whose place it takes`,
    run: () => deploying(`remove the image ${id}`, () => glance.remove(id), refusedRemoval),
  };
}

async function register(
  glance: Glance,
  id: string,
  name: string,
  { visibility }: OpenstackSettings,
  context: ActionContext,
): Promise<void> {
  await glance.replace(id, { name, visibility });
  const { os_hash_value, checksum } = await glance.find(id) ?? {};
  await context.made({ image: id, hash: os_hash_value ?? checksum ?? "" });
}

function refusedRemoval({ status }: HttpError): string | undefined {
  if (status === 403) return "It may be protected: openstack image set --unprotected IMAGE";
  if (status === 409) return "Something still uses it: look for volumes and servers made from it.";
  return undefined;
}

function uploadHint({ status }: HttpError): string | undefined {
  if (status === 413) return "The quota or the store is full: remove images that are not needed any more.";
  if (status === 403) return "The application credential needs a role that may make images, such as member.";
  if (status === 415 || status === 400) return "The cloud may not take this format: set format in targets.d.";
  return undefined;
}
