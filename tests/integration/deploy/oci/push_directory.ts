import { createHash } from "node:crypto";
import { join } from "node:path";
import { run } from "../../../../lib/process.ts";

/** Pushes an image of one layer with skopeo, as somebody would who does not know pim. */
export async function pushDirectory(
  reference: string,
  dir: string,
  layer: string | undefined,
  mediaType: string,
): Promise<void> {
  await Deno.mkdir(dir);
  const blob = async (bytes: Uint8Array) => {
    const hash = createHash("sha256").update(bytes).digest("hex");
    await Deno.writeFile(join(dir, hash), bytes);
    return { digest: `sha256:${hash}`, size: bytes.length };
  };
  const config = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } };
  const manifest = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      ...await blob(new TextEncoder().encode(JSON.stringify(config))),
    },
    layers: layer === undefined ? [] : [{ mediaType, ...await blob(await Deno.readFile(layer)) }],
  };
  await Deno.writeTextFile(join(dir, "manifest.json"), JSON.stringify(manifest));
  await Deno.writeTextFile(join(dir, "version"), "Directory Transport Version: 1.1\n");
  // As it is: skopeo would pack a layer anew.
  await run([
    "skopeo",
    "copy",
    "--preserve-digests",
    "--dest-tls-verify=false",
    `dir:${dir}`,
    `docker://${reference}`,
  ]);
}
