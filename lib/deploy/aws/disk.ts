import { join } from "node:path";
import { checkImage, convertImage } from "../../qemu/img.ts";
import { DeployError } from "../deploy_error.ts";
import { conversion } from "../formats.ts";
import type { ActionContext, DeployImage } from "../target.ts";

// One name for all: it stands in the file.
const fileName = "disk.vmdk";

/** Where a deployment has the disk that it uploads. */
export function diskPath({ workDir }: Pick<ActionContext, "workDir">): string {
  return join(workDir, fileName);
}

/**
 * Writes the image as a stream-optimised VMDK: of the formats that ImportSnapshot takes (RAW, VHD, VMDK) the only one
 * that is compressed. The same image always makes the same bytes, so that an upload can go on after the file was lost.
 */
export async function writeDisk(image: DeployImage, qemuImg: string, context: ActionContext): Promise<void> {
  const target = diskPath(context);
  const { signal } = context;
  const { bytes } = image.entry;
  await convertImage(
    { source: image.path, target, ...conversion("vmdk", true) },
    { qemuImg, signal, onProgress: (fraction) => context.progress(fraction * bytes, bytes) },
  );
  const check = await checkImage(target, { qemuImg, signal });
  if (check.corruptions + check.errors > 0) {
    throw new DeployError(
      `Cannot deploy ${image.entry.name}: qemu-img finds faults in the VMDK that it has written`,
    );
  }
  await settleContentId(target, image.sha256);
}

/** Puts an id made of the image's checksum in the place of the random one that qemu-img has drawn. */
async function settleContentId(path: string, sha256: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  // The descriptor comes after the header, one sector long (VMware Virtual Disk Format 5.0, "Stream-Optimized").
  const start = new Uint8Array(4096);
  const count = await file.read(start) ?? 0;
  const text = new TextDecoder("latin1").decode(start.subarray(0, count));
  const at = /^CID=[0-9a-f]{8}$/m.exec(text)?.index;
  if (at === undefined) {
    throw new DeployError(`Cannot find the content id in ${path}, which qemu-img has written`);
  }
  // Not ffffffff: that stands for "no parent".
  const id = sha256.slice(0, 8) === "ffffffff" ? "fffffffe" : sha256.slice(0, 8);
  await file.seek(at + "CID=".length, Deno.SeekMode.Start);
  await file.write(new TextEncoder().encode(id));
}
