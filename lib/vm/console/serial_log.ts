/** How to wait until more may stand in a log. */
export type Pause = () => Promise<unknown>;

/**
 * What stands in an open log from its position on, and what is added to it, until `ended` is aborted: what stands there
 * by then is still given. The file stays open; a log that is renamed or removed meanwhile is read all the same.
 */
export async function* followLog(
  file: Deno.FsFile,
  ended: AbortSignal,
  pause: Pause,
): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(64 * 1024);
  for (;;) {
    const last = ended.aborted;
    for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
      yield buffer.slice(0, count);
    }
    if (last) return;
    await pause();
  }
}

/** The end of an open log, at most so many bytes, from the start of a line on where there is one; then it stands there. */
export async function readEnd(file: Deno.FsFile, maxBytes: number): Promise<Uint8Array> {
  const { size } = await file.stat();
  const start = Math.max(0, size - maxBytes);
  // One byte more: the line may begin just there.
  const bytes = await readAt(file, Math.max(0, start - 1), size);
  return start === 0 ? bytes : bytes.subarray(Math.max(1, bytes.indexOf(newline) + 1));
}

/** Puts an open log to where its last lines begin; a last line without an end counts. */
export async function seekLastLines(file: Deno.FsFile, count: number): Promise<void> {
  const { size } = await file.stat();
  if (count === 0) return void await file.seek(size, Deno.SeekMode.Start);
  let missing = count;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - 64 * 1024);
    const block = await readAt(file, start, end);
    for (let index = block.length - 1; index >= 0; index--) {
      const next = start + index + 1;
      if (block[index] !== newline || next === size || --missing > 0) continue;
      return void await file.seek(next, Deno.SeekMode.Start);
    }
    end = start;
  }
  await file.seek(0, Deno.SeekMode.Start);
}

const newline = 0x0a;

async function readAt(file: Deno.FsFile, start: number, end: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(end - start);
  await file.seek(start, Deno.SeekMode.Start);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
