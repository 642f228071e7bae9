import { resolve } from "node:path";
import type { HttpError } from "../../http/error.ts";
import { deploying } from "../api_failure.ts";
import { writeConverted } from "../convert.ts";
import type { Action, ActionContext, DeployImage, HostTools } from "../target.ts";
import { type Glance, type GlanceImage, isOurs, isWhole } from "./glance.ts";
import { partName } from "./properties.ts";
import type { OpenstackSettings } from "./settings.ts";
import { checkStored, uploadImage } from "./upload.ts";

/** The single actions that make an image of a cloud. */
export class ImageSteps {
  constructor(
    readonly glance: Glance,
    readonly image: DeployImage,
    readonly name: string,
    readonly settings: OpenstackSettings,
    readonly tools: HostTools,
  ) {}

  /** What brings the data there: nothing when an interrupted deployment has brought all of it. */
  upload(left: GlanceImage | undefined): readonly Action[] {
    const { image, settings: { format, import: imported } } = this;
    const leftover = left !== undefined && isOurs(left) && left.name === partName(this.name)
      ? left
      : undefined;
    if (
      leftover !== undefined && format === "qcow2" && leftover.disk_format === format &&
      isWhole(leftover, image.sha256)
    ) return [this.#compare(leftover)];
    const raw = format === "raw";
    const size = raw ? image.entry.virtualBytes : image.entry.bytes;
    const how = `${format}${imported ? ", staged and imported" : ""}`;
    return [
      ...(leftover === undefined ? [] : [this.#discard(leftover)]),
      ...(raw ? [this.#writeRaw()] : []),
      {
        phase: "upload",
        text: `upload ${Math.ceil(size / 1024 ** 2)} MiB (${how}) and compare its checksum`,
        run: (context) =>
          deploying(`deploy ${image.entry.name}`, async () => {
            const path = raw ? rawPath(context) : image.path;
            await uploadImage(
              this.glance,
              { image, name: this.name, path, settings: this.settings },
              context,
            );
          }, uploadHint),
      },
    ];
  }

  nameIt(where: string): Action {
    return {
      phase: "register",
      text: `call it ${this.name}, visibility ${this.settings.visibility}`,
      run: (context) =>
        deploying(
          `register the ${where}`,
          () => this.#register(context.ids.image ?? "", context),
          ({ status }) =>
            status === 403
              ? "Your role may not make images visible like this: set visibility: private in targets.d."
              : undefined,
        ),
    };
  }

  keep({ id }: GlanceImage): Action {
    return {
      phase: "register",
      text: `write down the image ${id}, which is there already`,
      run: async (context) => {
        await context.made({ image: id });
        await deploying("register the image", () => this.#register(id, context));
      },
    };
  }

  replace({ id, pim_image }: GlanceImage): Action {
    return {
      phase: "register",
      text: `remove the image ${id} (${pim_image}), whose place it takes`,
      run: () => deploying(`remove the image ${id}`, () => this.glance.remove(id), removalHint),
    };
  }

  #compare(found: GlanceImage): Action {
    return {
      phase: "upload",
      text: `compare the checksum of the image ${found.id}, which is uploaded already`,
      run: async () => {
        try {
          await checkStored(found, this.image.path);
        } catch (error) {
          // The next run begins anew.
          await deploying(`remove the image ${found.id}`, () => this.glance.remove(found.id), removalHint);
          throw error;
        }
      },
    };
  }

  #discard({ id }: GlanceImage): Action {
    return {
      phase: "upload",
      text: `remove the image ${id}, which an interrupted deployment has left`,
      run: () => deploying(`remove the image ${id}`, () => this.glance.remove(id), removalHint),
    };
  }

  #writeRaw(): Action {
    return {
      phase: "upload",
      text: "write it as raw to a file of a moment",
      run: async (context) => {
        const qemuImg = await this.tools.qemuImg();
        const options = { ...context, qemuImg, format: "raw", compress: false } as const;
        await writeConverted(this.image, rawPath(context), options);
      },
    };
  }

  async #register(id: string, context: ActionContext): Promise<void> {
    await this.glance.replace(id, { name: this.name, visibility: this.settings.visibility });
    const { os_hash_value, checksum } = await this.glance.find(id) ?? {};
    await context.made({ image: id, hash: os_hash_value ?? checksum ?? "" });
  }
}

function rawPath({ workDir }: ActionContext): string {
  return resolve(workDir, "disk.raw");
}

/** What to do when an image could not be removed. */
export function removalHint({ status }: HttpError): string | undefined {
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
