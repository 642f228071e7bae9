import { createHash } from "node:crypto";
import * as v from "valibot";
import { exitCode } from "../../errors.ts";
import { HttpError } from "../../http/error.ts";
import { acceptedManifests } from "./manifests.ts";
import type { RegistryAnswer, RegistryClient } from "./registry_client.ts";

/** A manifest as a registry keeps it. */
export interface StoredManifest {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const tagsSchema = v.pipe(v.string(), v.parseJson(), v.object({ tags: v.nullish(v.array(v.string())) }));
const maxManifestBytes = 4 * 1024 * 1024;

/** One repository of a registry: manifests and blobs, by the OCI distribution specification 1.1. */
export class Repository {
  constructor(readonly client: RegistryClient, readonly name: string) {}

  /** What the registry has to allow for reading, for writing, or for removing. */
  scope(what: "pull" | "pull,push" | "pull,push,delete"): string {
    return `repository:${this.name}:${what}`;
  }

  /** Whether a blob is here; asks nobody for its content. */
  hasBlob(digest: string): Promise<boolean> {
    return this.client.retry(async () => {
      const scope = this.scope("pull,push");
      const { response } = await this.client.request("HEAD", `${this.name}/blobs/${digest}`, {
        ...{ ok: [200, 404], scope },
      });
      response.drop();
      return response.status === 200;
    });
  }

  /** Begins to read a blob, from an offset; the registry may answer with all of it (200 in place of 206). */
  readBlob(digest: string, offset: number): Promise<RegistryAnswer> {
    return this.client.request("GET", `${this.name}/blobs/${digest}`, {
      ...{ ok: [200, 206], scope: this.scope("pull") },
      headers: offset > 0 ? { range: `bytes=${offset}-` } : {},
    });
  }

  /** The digest of the manifest that a tag or a digest names, or undefined. */
  digestOf(reference: string): Promise<string | undefined> {
    return this.client.retry(async () => {
      const { response } = await this.client.request("HEAD", `${this.name}/manifests/${reference}`, {
        ...{ ok: [200, 404], scope: this.scope("pull"), headers: { accept: acceptedManifests } },
      });
      response.drop();
      if (response.status === 404) return undefined;
      return response.headers.get("docker-content-digest") ?? (await this.manifest(reference))?.digest;
    });
  }

  /** A manifest, checked against its digest; undefined when there is none. */
  manifest(reference: string): Promise<StoredManifest | undefined> {
    return this.client.retry(async () => {
      const { response } = await this.client.request("GET", `${this.name}/manifests/${reference}`, {
        ...{ ok: [200, 404], scope: this.scope("pull"), headers: { accept: acceptedManifests } },
      });
      if (response.status === 404) return void response.drop();
      const bytes = await response.bytes(maxManifestBytes);
      const digest = digestOfBytes(bytes);
      const said = reference.startsWith("sha256:")
        ? reference
        : response.headers.get("docker-content-digest");
      if (said !== null && said !== digest) {
        throw new HttpError(`${this.client.host} gave another manifest than ${said}: ${digest}`, {
          exitCode: exitCode.checksum,
        });
      }
      const mediaType = response.headers.get("content-type")?.replace(/;.*/, "") ?? "";
      return { mediaType, digest, bytes };
    });
  }

  /** Puts a manifest under a tag, or under its digest, and returns the digest. */
  putManifest(reference: string | undefined, mediaType: string, content: string): Promise<string> {
    const digest = digestOfBytes(new TextEncoder().encode(content));
    return this.client.retry(async () => {
      const { response } = await this.client.request("PUT", `${this.name}/manifests/${reference ?? digest}`, {
        ...{ ok: [201], scope: this.scope("pull,push"), body: content },
        headers: { "content-type": mediaType },
      });
      response.drop();
      const kept = response.headers.get("docker-content-digest");
      if (kept === null || kept === digest) return digest;
      throw new HttpError(`${this.client.host} keeps another manifest than was sent: ${kept} for ${digest}`);
    });
  }

  /** Tags of the repository, the first thousand; none where the registry does not list them. */
  tags(): Promise<readonly string[]> {
    return this.client.retry(async () => {
      const { response } = await this.client.request("GET", `${this.name}/tags/list?n=1000`, {
        ...{ ok: [200, 401, 403, 404, 405], scope: this.scope("pull") },
      });
      const text = await response.text();
      if (response.status !== 200) return [];
      const found = v.safeParse(tagsSchema, text);
      return found.success ? found.output.tags ?? [] : [];
    });
  }

  /** Removes a manifest, or a tag; false when it is not there, undefined when the registry removes none. */
  async removeManifest(reference: string): Promise<boolean | undefined> {
    return await this.client.retry(async () => {
      const { response } = await this.client.request("DELETE", `${this.name}/manifests/${reference}`, {
        ...{ ok: [202, 200, 404, 405, 400, 501], scope: this.scope("pull,push,delete") },
      });
      response.drop();
      return [200, 202].includes(response.status) ? true : response.status === 404 ? false : undefined;
    });
  }
}

/** The SHA-256 digest of bytes as registries write it. */
export function digestOfBytes(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
