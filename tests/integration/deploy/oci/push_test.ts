import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run, which } from "../../../../lib/process.ts";
import { tempDir } from "../../../base/temp.ts";
import { deployTo, homeTools, ociTarget } from "./deploy_to.ts";
import { dockerRegistry } from "./docker_registry.ts";
import { sampleDisk } from "./sample_disk.ts";

const ignore = await which("docker-registry") === undefined || await which("skopeo") === undefined;

/** Copies an image out of a registry with skopeo, which checks all digests. */
async function copyOut(reference: string, folder: string): Promise<Record<string, unknown>> {
  await run(["skopeo", "copy", "--src-tls-verify=false", `docker://${reference}`, `dir:${folder}`]);
  return JSON.parse(await Deno.readTextFile(join(folder, "manifest.json")));
}

async function inspectRaw(
  reference: string,
): Promise<{ manifests: { digest: string; platform: unknown }[] }> {
  return JSON.parse(
    (await run(["skopeo", "inspect", "--raw", "--tls-verify=false", `docker://${reference}`])).stdout,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

Deno.test({
  name: "an artifact has the image in pieces, and skopeo copies the same bytes out of the registry",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path);
    const reference = `${registry.host}/team/{profile}:{name}`;
    const { deployment } = await deployTo(
      home.path,
      { reference, tags: ["{profile}-latest"], chunk_mib: 1 },
      image,
    );
    assert.equal(deployment.where, `${registry.host}/team/web:${image.entry.name}`);
    assert.equal(deployment.ids.tags, `${image.entry.name} web-latest`);
    const copy = join(home.path, "copy");
    const manifest = await copyOut(`${registry.host}/team/web:web-latest`, copy) as {
      artifactType: string;
      layers: { digest: string; mediaType: string }[];
      annotations: Record<string, string>;
    };
    assert.equal(manifest.artifactType, "application/vnd.pim.image.v1");
    assert.equal(manifest.annotations["vnd.pim.image.sha256"], image.sha256);
    const pieces = manifest.layers.filter(({ mediaType }) => /chunk/.test(mediaType));
    assert.equal(pieces.length, Math.ceil(image.entry.bytes / 1024 ** 2));
    const hash = createHash("sha256");
    for (const { digest } of pieces) hash.update(await Deno.readFile(join(copy, digest.slice(7))));
    assert.equal(hash.digest("hex"), image.sha256);
  },
});

for (const layer of ["tar", "gzip"]) {
  Deno.test({
    name: `a containerDisk (${layer}) has the disk where KubeVirt looks for it, for QEMU's user to read`,
    ignore,
    async fn() {
      await using registry = await dockerRegistry();
      await using home = await tempDir();
      // More than one piece of an upload.
      const image = await sampleDisk(home.path, { mib: layer === "tar" ? 20 : 2 });
      const reference = `${registry.host}/disks/{profile}:latest`;
      const { deployment } = await deployTo(home.path, { reference, layout: "containerdisk", layer }, image);
      const copy = join(home.path, "copy");
      const manifest = await copyOut(deployment.where, copy) as {
        config: { digest: string };
        layers: { digest: string; mediaType: string }[];
      };
      const [only] = manifest.layers;
      assert.equal(only?.mediaType.endsWith("+gzip"), layer === "gzip");
      const tar = join(copy, only!.digest.slice(7));
      const { stdout } = await run(["tar", "--numeric-owner", "-tvf", tar]);
      assert.match(stdout, /^drwxr-xr-x 107\/107 +0 .* disk\/$/m);
      assert.match(
        stdout,
        new RegExp(`^-r--r----- 107/107 +${image.entry.bytes} .* disk/${image.entry.name}.qcow2$`, "m"),
      );
      await run(["tar", "-xf", tar, "-C", home.path, "--no-same-owner"]);
      const out = await Deno.readFile(join(home.path, "disk", `${image.entry.name}.qcow2`));
      assert.equal(sha256(out), image.sha256);
      const config = JSON.parse(await Deno.readTextFile(join(copy, manifest.config.digest.slice(7))));
      assert.deepEqual([config.architecture, config.os], ["amd64", "linux"]);
      const archive = layer === "tar" ? await Deno.readFile(tar) : await gunzip(tar);
      assert.deepEqual(config.rootfs.diff_ids, [`sha256:${sha256(archive)}`]);
    },
  });
}

async function gunzip(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const stream = file.readable.pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

Deno.test({
  name: "an index has both architectures under one tag, and a newer image takes the place of its own",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const settings = { reference: `${registry.host}/team/{profile}:latest`, index: true };
    const amd64 = await sampleDisk(join(home.path, "1"), { mib: 1 });
    const arm64 = await sampleDisk(join(home.path, "2"), { mib: 1, more: { architecture: "arm64" } });
    const newer = await sampleDisk(join(home.path, "3"), { mib: 1, more: { name: "web-newer" } });
    const digests: (string | undefined)[] = [];
    for (const image of [amd64, arm64, newer]) {
      digests.push((await deployTo(home.path, settings, image)).deployment.ids.digest);
    }
    const { manifests } = await inspectRaw(`${registry.host}/team/web:latest`);
    assert.deepEqual(manifests.map(({ digest, platform }) => [digest, platform]), [
      [digests[2], { os: "linux", architecture: "amd64" }],
      [digests[1], { os: "linux", architecture: "arm64" }],
    ]);
    await using target = ociTarget(home.path, settings).open(homeTools(home.path));
    const ids = (digest = "") => ({
      host: registry.host,
      repository: "team/web",
      digest,
      tags: "latest",
      layout: "artifact",
    });
    assert.equal(await target.presence(ids(digests[0]), amd64.sha256), "changed");
    assert.equal(await target.presence(ids(digests[1]), arm64.sha256), "there");
    await target.remove(ids(digests[1]));
    assert.deepEqual((await inspectRaw(`${registry.host}/team/web:latest`)).manifests.length, 1);
    await target.remove(ids(digests[2]));
    assert.equal(await target.presence(ids(digests[2]), newer.sha256), "missing");
    await assert.rejects(inspectRaw(`${registry.host}/team/web:latest`), /manifest unknown/);
  },
});
