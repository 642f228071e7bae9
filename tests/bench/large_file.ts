const pieceBytes = 1024 ** 2;

/** Writes a file of so many MiB. */
export async function writeLargeFile(path: string, mebibytes: number): Promise<void> {
  const piece = new Uint8Array(pieceBytes);
  // getRandomValues gives 64 KiB at most; what the bytes are makes no difference to a hash.
  crypto.getRandomValues(piece.subarray(0, 65_536));
  using file = await Deno.open(path, { write: true, createNew: true });
  for (let index = 0; index < mebibytes; index++) {
    for (let offset = 0; offset < pieceBytes;) offset += await file.write(piece.subarray(offset));
  }
}
