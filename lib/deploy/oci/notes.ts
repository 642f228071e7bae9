import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { readTextIfThere, removeIfThere, tryLockFile, writeFileAtomic } from "../../files.ts";

const hex = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));

const blobsSchema = v.object({
  /** SHA-256 of the image file. */
  sha256: hex,
  bytes: v.number(),
  modifiedMs: v.number(),
  /** Its pieces, or its one layer, in their order. */
  blobs: v.array(v.object({ digest, size: v.number() })),
  /** `HOST/REPOSITORY` of all places where all of them were sent to. */
  sentTo: v.array(v.string()),
});

/** What an image was found to consist of as blobs, so that the next push need not read it. */
export type BlobNote = v.InferOutput<typeof blobsSchema>;

const uploadSchema = v.object({ location: v.string() });

/** What pushes remember between each other, in files that may be lost. */
export class Notes {
  constructor(readonly dir: string) {}

  /** The note of an image in a form ("16 MiB pieces"); undefined when its file is not what it was. */
  async blobs(path: string, sha256: string, form: string): Promise<BlobNote | undefined> {
    const note = await this.#read(blobsSchema, this.#file(sha256, form));
    const { size, mtime } = await Deno.stat(path);
    return note?.sha256 === sha256 && note.bytes === size && note.modifiedMs === mtime?.getTime()
      ? note
      : undefined;
  }

  /** Notes what an image consists of, and one more place that has it all. */
  async keepBlobs(
    path: string,
    form: string,
    { sha256, blobs, sentTo }: Pick<BlobNote, "sha256" | "blobs" | "sentTo">,
  ): Promise<void> {
    const { size, mtime } = await Deno.stat(path);
    const note: BlobNote = { sha256, bytes: size, modifiedMs: mtime?.getTime() ?? 0, blobs, sentTo };
    await writeFileAtomic(this.#file(sha256, form), JSON.stringify(note));
  }

  /** Held while a blob is uploaded to a place; undefined while another pim does that, which has the note then. */
  async holdUpload(place: string, blob: string): Promise<AsyncDisposable | undefined> {
    return await tryLockFile(`${this.#file(place, blob)}.lock`);
  }

  /** Where the upload of a blob to a place goes on. */
  async upload(place: string, blob: string): Promise<string | undefined> {
    return (await this.#read(uploadSchema, this.#file(place, blob)))?.location;
  }

  /** Notes where it goes on, or that it is over. */
  async keepUpload(place: string, blob: string, location: string | undefined): Promise<void> {
    const file = this.#file(place, blob);
    if (location === undefined) await removeIfThere(file);
    // Whoever has the location can write to the upload.
    else await writeFileAtomic(file, JSON.stringify({ location }), { mode: 0o600 });
  }

  #file(...names: readonly string[]): string {
    return join(this.dir, `${createHash("sha256").update(names.join("\n")).digest("hex").slice(0, 32)}.json`);
  }

  async #read<T>(schema: v.GenericSchema<unknown, T>, path: string): Promise<T | undefined> {
    const text = await readTextIfThere(path);
    if (text === undefined) return undefined;
    try {
      return v.parse(schema, JSON.parse(text));
    } catch {
      return undefined; // As good as none: everything in it can be found out again.
    }
  }
}
