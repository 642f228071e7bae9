import { messageOf, PimError } from "../../errors.ts";

/** Bytes of an image at any position, bounds checked. */
export interface Source extends AsyncDisposable {
  readonly path: string;
  readonly bytes: number;
  /** Exactly `length` bytes from `offset`; a PimError when the image ends before that. */
  read(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Fills the whole buffer from `offset`. */
  readInto(offset: number, buffer: Uint8Array): Promise<void>;
}

/** The error for an image that cannot be read as ISO 9660. */
export function isoError(path: string, why: string, cause?: unknown): PimError {
  return new PimError(`Cannot read the ISO ${path}: ${why}`, {
    hint: "The file may be damaged or cut short: check it with `pim iso verify`, or download it again.",
    cause,
  });
}

/** Opens an image file for reading. */
export async function openSource(path: string): Promise<Source> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (cause) {
    throw isoError(
      path,
      cause instanceof Deno.errors.NotFound ? "there is no such file" : messageOf(cause),
      cause,
    );
  }
  const info = await file.stat();
  if (info.isDirectory) {
    file.close();
    throw isoError(path, "it is a folder");
  }
  // A block device has no size of its own; its end is where seeking ends.
  const bytes = info.isFile ? info.size : await file.seek(0, Deno.SeekMode.End);
  return fileSource(path, file, bytes);
}

function fileSource(path: string, file: Deno.FsFile, bytes: number): Source {
  // One file position is shared by all readers, so a seek and its read must not be torn apart.
  let last: Promise<unknown> = Promise.resolve();
  async function fill(offset: number, buffer: Uint8Array): Promise<void> {
    await file.seek(offset, Deno.SeekMode.Start);
    for (let done = 0; done < buffer.length;) {
      const count = await file.read(buffer.subarray(done));
      if (count === null) throw isoError(path, "it became shorter while it was read");
      done += count;
    }
  }
  function readInto(offset: number, buffer: Uint8Array): Promise<void> {
    if (!Number.isSafeInteger(offset) || offset < 0 || offset + buffer.length > bytes) {
      const end = offset + buffer.length;
      return Promise.reject(
        isoError(path, `it ends at byte ${bytes}, but refers to content up to byte ${end}`),
      );
    }
    const turn = last.then(() => fill(offset, buffer));
    last = turn.catch(() => {});
    return turn;
  }
  return {
    path,
    bytes,
    readInto,
    async read(offset, length) {
      // Before anything is allocated: a hostile length must cost nothing.
      if (length > bytes - offset) {
        throw isoError(path, `it ends at byte ${bytes}, but refers to content up to byte ${offset + length}`);
      }
      const buffer = new Uint8Array(length);
      await readInto(offset, buffer);
      return buffer;
    },
    async [Symbol.asyncDispose]() {
      await last;
      file.close();
    },
  };
}
