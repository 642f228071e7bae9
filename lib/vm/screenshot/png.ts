/** The size of a picture in pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Whether a file that begins with these bytes is a PNG. */
export function beginsAsPng(bytes: Uint8Array): boolean {
  return signature.every((byte, index) => bytes[index] === byte);
}

/** The size of a PNG; undefined unless it is there from its first chunk to its last, each whole (W3C PNG, section 5). */
export function sizeOfPng(png: Uint8Array): PictureSize | undefined {
  if (!beginsAsPng(png)) return undefined;
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength);
  const types: string[] = [];
  // Each chunk: length of its data, type, data, checksum.
  for (let at = signature.length; at + 12 <= png.length;) {
    const end = at + 12 + view.getUint32(at);
    if (end > png.length) return undefined;
    types.push(String.fromCharCode(...png.subarray(at + 4, at + 8)));
    at = end;
  }
  if (types[0] !== "IHDR" || !types.includes("IDAT") || types.at(-1) !== "IEND") return undefined;
  return { width: view.getUint32(16), height: view.getUint32(20) };
}
