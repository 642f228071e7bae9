import { createHash } from "node:crypto";
import { join } from "node:path";
import type { DeployImage } from "../../../../lib/deploy/target.ts";
import type { ImageEntry } from "../../../../lib/image/entry.ts";
import { updateRegistry } from "../../../../lib/image/registry.ts";
import { sampleImage } from "../../../image/sample.ts";

/** Makes a qcow2 file with `qemu-img` that holds some MiB of noise, and describes it as a built image. */
export async function sampleDisk(
  dir: string,
  { mib = 3, profile = "web", more = {} }: {
    mib?: number;
    profile?: string;
    more?: Partial<ImageEntry>;
  } = {},
): Promise<DeployImage> {
  const entry = sampleImage(profile, new Date("2026-11-26T00:00:00Z"), more);
  await Deno.mkdir(dir, { recursive: true });
  const path = join(dir, entry.file);
  const raw = `${path}.raw`;
  await Deno.writeFile(raw, noise(mib));
  await new Deno.Command("qemu-img", { args: ["convert", "-O", "qcow2", raw, path] }).output();
  await Deno.remove(raw);
  const bytes = await Deno.readFile(path);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { entry: { ...entry, bytes: bytes.length, virtualBytes: mib * 1024 * 1024, sha256 }, path, sha256 };
}

/** Writes an image's entry into a registry.yml. */
export async function registerSample(registryPath: string, { entry }: DeployImage): Promise<void> {
  await updateRegistry(registryPath, (registry) => registry.add(entry));
}

function noise(mib: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(mib * 1024 * 1024);
  for (let at = 0; at < bytes.length; at += 65_536) {
    crypto.getRandomValues(bytes.subarray(at, Math.min(at + 65_536, bytes.length)));
  }
  return bytes;
}
