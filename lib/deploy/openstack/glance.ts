import * as v from "valibot";
import type { RequestBody } from "../../http/body.ts";
import type { HttpAnswer } from "../../http/request.ts";
import type { Cloud, CloudRequest } from "./cloud.ts";
import { parseJson } from "./json.ts";

const imageSchema = v.looseObject({
  id: v.string(),
  name: v.nullish(v.string()),
  status: v.string(),
  disk_format: v.nullish(v.string()),
  checksum: v.nullish(v.string()),
  os_hash_algo: v.nullish(v.string()),
  os_hash_value: v.nullish(v.string()),
  os_glance_failed_import: v.nullish(v.string()),
  pim_image: v.nullish(v.string()),
  pim_sha256: v.nullish(v.string()),
  pim_id: v.nullish(v.string()),
});

const listSchema = v.object({ images: v.array(imageSchema), next: v.nullish(v.string()) });

/** An image as the image service describes it. */
export type GlanceImage = v.InferOutput<typeof imageSchema>;

/** Whether pim has made an image. A snapshot of a server has the properties of its image, and an id of its own. */
export function isOurs({ id, pim_id, pim_sha256 }: GlanceImage): boolean {
  return pim_id === id && typeof pim_sha256 === "string";
}

/** Whether an image is one of pim's, ready for use and made of this file. */
export function isWhole(found: GlanceImage, sha256: string): boolean {
  return isOurs(found) && found.status === "active" && found.pim_sha256 === sha256;
}

/** The image service (Image API v2) as pim uses it. */
export class Glance {
  constructor(readonly cloud: Cloud) {}

  /** The project's own images with this name. */
  async named(name: string): Promise<readonly GlanceImage[]> {
    const { project } = await this.cloud.session();
    const found: GlanceImage[] = [];
    let path: string | undefined = `/v2/images?${new URLSearchParams({ name, owner: project.id })}`;
    while (path !== undefined) {
      const answer: HttpAnswer = await this.#send({ method: "GET", path, expected: [200] });
      const { images, next }: v.InferOutput<typeof listSchema> = parseJson(listSchema, answer, path);
      found.push(...images);
      path = next ?? undefined;
    }
    return found;
  }

  /** The image with this id, or undefined. */
  async find(id: string): Promise<GlanceImage | undefined> {
    const path = `/v2/images/${encodeURIComponent(id)}`;
    const answer = await this.#send({ method: "GET", path, expected: [200, 404] });
    return answer.status === 404 ? undefined : parseJson(imageSchema, answer, path);
  }

  /** Makes the record of an image, which waits for its data. */
  async create(image: Readonly<Record<string, unknown>>): Promise<void> {
    // 409: an earlier try of ours has made it, and its answer was lost.
    await this.#send({ method: "POST", path: "/v2/images", expected: [201, 409], json: image });
  }

  /** Sends an image's data, or stages it for an import. Not tried again: what came of a try has to be looked at. */
  async upload(id: string, to: "file" | "stage", body: RequestBody): Promise<void> {
    await this.cloud.once("image", {
      ...{ method: "PUT", path: `/v2/images/${id}/${to}`, expected: [204], body },
      type: "application/octet-stream",
      // Some stores take their time to put the last piece in place.
      answerTimeoutMs: 15 * 60_000,
    });
  }

  /** Has the staged data imported. */
  async importStaged(id: string): Promise<void> {
    const json = { method: { name: "glance-direct" } };
    await this.#send({ method: "POST", path: `/v2/images/${id}/import`, expected: [202], json });
  }

  /** The ways in which the service imports images. */
  async importMethods(): Promise<readonly string[]> {
    const path = "/v2/info/import";
    const answer = await this.#send({ method: "GET", path, expected: [200, 404] });
    if (answer.status === 404) return [];
    const schema = v.object({ "import-methods": v.object({ value: v.array(v.string()) }) });
    return parseJson(schema, answer, path)["import-methods"].value;
  }

  /** Sets properties that the image has. */
  async replace(id: string, values: Readonly<Record<string, unknown>>): Promise<void> {
    const changes = Object.entries(values).map(([key, value]) => ({ op: "replace", path: `/${key}`, value }));
    await this.#send({
      ...{ method: "PATCH", path: `/v2/images/${id}`, expected: [200], json: changes },
      type: "application/openstack-images-v2.1-json-patch",
    });
  }

  /** Removes an image; one that is gone is no error. */
  async remove(id: string): Promise<void> {
    await this.#send({ method: "DELETE", path: `/v2/images/${id}`, expected: [204, 404] });
  }

  #send(request: CloudRequest): Promise<HttpAnswer> {
    return this.cloud.send("image", request);
  }
}
