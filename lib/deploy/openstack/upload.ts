import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import { log } from "../../log.ts";
import { changedError } from "../convert.ts";
import { DeployError } from "../deploy_error.ts";
import { type FileBody, fileBody } from "../file_body.ts";
import type { ActionContext, DeployImage } from "../target.ts";
import { Glance, type GlanceImage } from "./glance.ts";
import { imageRecord } from "./properties.ts";
import type { OpenstackSettings } from "./settings.ts";

/** What is uploaded, and as what. */
export interface Upload {
  readonly image: DeployImage;
  readonly name: string;
  /** The image's own file, or what was made of it. */
  readonly path: string;
  readonly settings: OpenstackSettings;
}

const tries = 3;

/**
 * Uploads a file as a new image without its final name, and checks what the service has stored. A connection that is
 * cut leaves an image that cannot be gone on with: it is removed, and a new one is begun. Nothing stays of a failure.
 */
export async function uploadImage(glance: Glance, upload: Upload, context: ActionContext): Promise<string> {
  for (let attempt = 1;; attempt++) {
    const id = crypto.randomUUID();
    // Before it is made: a pim that is killed in between looks for an image that is not there.
    await context.made({ image: id });
    try {
      await uploadOnce(glance, id, upload, context);
      return id;
    } catch (error) {
      await discard(glance, id);
      if (!worthAnother(error) || attempt === tries || context.signal.aborted) throw error;
      log.warn(`${error.message}; uploading it anew`);
      await sleep(Math.min(error.retryAfterMs ?? 500, 30_000), undefined, { signal: context.signal })
        .catch(() => {
          throw new CancelledError();
        });
    }
  }
}

function worthAnother(error: unknown): error is HttpError {
  // 404 and 410: the service itself has removed an image whose token expired while it was sent.
  return error instanceof HttpError && (error.retryable || error.status === 404 || error.status === 410);
}

async function uploadOnce(
  glance: Glance,
  id: string,
  { image, name, path, settings }: Upload,
  { signal, progress }: ActionContext,
): Promise<void> {
  await glance.create(imageRecord(id, name, image, settings));
  const body = await fileBody(path, { signal, progress, algorithms: ["sha256", "sha512"] });
  await glance.upload(id, settings.import ? "stage" : "file", body);
  const sent = body.digest("sha256") ?? "";
  if (path === image.path && sent !== image.sha256) throw changedError(image, sent);
  if (settings.import) await glance.importStaged(id);
  const stored = await whenActive(glance, id, signal);
  if (settings.import && stored.disk_format !== settings.format) {
    log.info(`The cloud has made ${stored.disk_format} of the image, so that its checksum tells nothing`);
  } else await checkStored(stored, path, body);
}

// Imports of large images into slow stores have been seen to take most of an hour.
const importMs = 2 * 3_600_000;

async function whenActive(glance: Glance, id: string, signal: AbortSignal): Promise<GlanceImage> {
  const endMs = performance.now() + importMs;
  for (let waitMs = 200;; waitMs = Math.min(2 * waitMs, 3_000)) {
    const image = await glance.find(id);
    if (image === undefined) throw new HttpError(`The image ${id} was removed while it was uploaded`);
    if (image.status === "active") return image;
    const failed = image.os_glance_failed_import ?? "";
    if (["killed", "deleted", "pending_delete", "deactivated"].includes(image.status) || failed !== "") {
      const why = failed === "" ? "" : ` (import into ${failed} failed)`;
      throw new DeployError(`The image service could not store the image: it is ${image.status}${why}`, {
        hint: "Its log says why; the format may not be allowed there, or its store may be full.",
      });
    }
    if (performance.now() > endMs) {
      throw new DeployError(`The image is still ${image.status} after ${importMs / 3_600_000} hours`);
    }
    await sleep(waitMs, undefined, { signal }).catch(() => {
      throw new CancelledError();
    });
  }
}

/** Compares what the service has stored with a file; throws a DeployError when it is another. */
export async function checkStored(
  stored: GlanceImage,
  path: string,
  body?: Pick<FileBody, "digest">,
): Promise<void> {
  const { os_hash_algo, os_hash_value, checksum } = stored;
  const [algorithm, found] = os_hash_algo && os_hash_value
    ? [os_hash_algo, os_hash_value]
    : ["md5", checksum];
  if (!found) throw new DeployError("The image service tells no checksum of what it has stored");
  const sent = body?.digest(algorithm) ?? await digestOf(path, algorithm);
  if (sent === found) return;
  throw new DeployError(
    `The image service has stored something else: its ${algorithm} is ${found}, not ${sent}`,
    {
      hint: "Deploy it again; if it stays so, a proxy on the way or the cloud's store damages it.",
    },
  );
}

async function digestOf(path: string, algorithm: string): Promise<string> {
  const hash = createHash(algorithm);
  using file = await Deno.open(path);
  for await (const piece of file.readable) hash.update(piece);
  return hash.digest("hex");
}

/** Removes what is left of an upload, also when the user has cancelled it. */
async function discard(glance: Glance, id: string): Promise<void> {
  try {
    await new Glance(glance.cloud.within(AbortSignal.timeout(20_000))).remove(id);
  } catch (error) {
    log.warn(
      `The unfinished image ${id} could not be removed: ${error instanceof Error ? error.message : error}`,
    );
  }
}
