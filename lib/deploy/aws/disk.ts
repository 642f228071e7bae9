import { join } from "node:path";
import { writeConverted } from "../convert.ts";
import { DeployError } from "../deploy_error.ts";
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
  const { signal, progress } = context;
  await writeConverted(image, target, { ...{ qemuImg, signal, progress }, format: "vmdk", compress: true });
  await settleContentId(target, image.sha256);
}

// "Virtual Disk Format 5.0" of VMware, as qemu-img lays it out: the descriptor, text padded with zeros, comes after a
// header of one sector.
const sectorBytes = 512;
const descriptorSectors = 20;

/** Puts an id made of the image's checksum in the place of the random one that qemu-img has drawn. */
export async function settleContentId(path: string, sha256: string): Promise<void> {
  using file = await Deno.open(path, { read: true, write: true });
  const descriptor = new Uint8Array(descriptorSectors * sectorBytes);
  await file.seek(sectorBytes, Deno.SeekMode.Start);
  await file.read(descriptor);
  const text = new TextDecoder("latin1").decode(descriptor).replace(/\0+$/, "");
  // qemu-img leaves out zeros at its beginning.
  const drawn = /^CID=[0-9a-f]{1,8}$/m;
  if (!drawn.test(text)) {
    throw new DeployError(`Cannot find the content id in ${path}, which qemu-img has written`);
  }
  const settled = text.replace(drawn, `CID=${contentId(sha256)}`);
  descriptor.fill(0);
  new TextEncoder().encodeInto(settled, descriptor);
  await file.seek(sectorBytes, Deno.SeekMode.Start);
  await file.write(descriptor);
}

function contentId(sha256: string): string {
  const id = sha256.slice(0, 8);
  // All ones stand for "no parent".
  return id === "ffffffff" ? "fffffffe" : id;
}
