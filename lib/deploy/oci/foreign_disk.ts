import { PimError, UsageError } from "../../errors.ts";
import { checkImage, type ImageInfo, imageInfo, type ImgOptions } from "../../qemu/img.ts";
import { backingFileOf } from "../../qemu/qcow2_header.ts";

// QEMU docs, interop/qcow2: the magic number, and the incompatible feature "external data file" in version 3.
const magic = "QFI\xfb";
const featuresAt = 72;
const externalDataBit = 2n;

/**
 * Looks at a disk that came from elsewhere before anything opens it: it must be a qcow2 file that names no other file,
 * because QEMU would read that one on this host.
 */
export async function inspectForeignDisk(
  path: string,
  shown: string,
  options: ImgOptions,
): Promise<ImageInfo> {
  const head = await firstBytes(path, featuresAt + 8);
  if (String.fromCharCode(...head.subarray(0, 4)) !== magic) {
    throw new UsageError(`The disk of ${shown} is no qcow2 file`, {
      hint: "pim keeps qcow2 images only: copy it with skopeo, and convert it with qemu-img.",
    });
  }
  const view = new DataView(head.buffer);
  const external = head.length === featuresAt + 8 && view.getUint32(4) >= 3 &&
    (view.getBigUint64(featuresAt) >> externalDataBit & 1n) === 1n;
  const backing = await backingFileOf(path);
  if (external || backing !== undefined) {
    throw new PimError(`The disk of ${shown} is not kept: it would read another file of this host`, {
      hint: "An image has to be whole; ask whoever pushed it to flatten it with qemu-img convert.",
    });
  }
  const check = await checkImage(path, options);
  if (check.corruptions + check.errors > 0) {
    throw new PimError(`The disk of ${shown} is not kept: qemu-img finds faults in it`);
  }
  return await imageInfo(path, options);
}

async function firstBytes(path: string, count: number): Promise<Uint8Array<ArrayBuffer>> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(count);
  let read = 0;
  for (;;) {
    const more = await file.read(bytes.subarray(read));
    if (more === null || read + more === count) return bytes.slice(0, read + (more ?? 0));
    read += more;
  }
}
