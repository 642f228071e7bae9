import type { Deployment } from "../../lib/image/deployment.ts";
import { deploymentId } from "../../lib/image/deployments.ts";
import type { ImageEntry } from "../../lib/image/entry.ts";
import { imageName } from "../../lib/image/images.ts";

/** An image entry as a build makes it. */
export function sampleImage(profile: string, date: Date, more: Partial<ImageEntry> = {}): ImageEntry {
  const name = imageName(profile, more.architecture ?? "amd64", date);
  return {
    name,
    profile,
    architecture: "amd64",
    file: `${name}.qcow2`,
    format: "qcow2",
    virtualBytes: 21_474_836_480,
    bytes: 1_234_567,
    created: date.toISOString(),
    firmware: "bios",
    iso: { key: "debian-12-amd64-netinst", filename: "debian-12.iso", checksum: "sha256:00ff" },
    scripts: ["base", profile],
    username: "pim",
    logs: [`${name}.build.log`, `${name}.serial.log`],
    ...more,
  };
}

/** A finished deployment of an image. */
export function sampleDeployment(target: string, image: string): Deployment {
  return {
    ...{ id: deploymentId(target, image), target, type: "file", image, sha256: "0".repeat(64) },
    ...{ where: `/srv/${image}.qcow2`, ids: { path: `/srv/${image}.qcow2` }, state: "done" },
    time: "2026-11-26T00:00:00.000Z",
  };
}

/** A temporary folder that is removed at the end. */
export async function tempFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "pim-image-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
