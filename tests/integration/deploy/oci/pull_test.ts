import assert from "node:assert/strict";
import { join } from "node:path";
import type { PimError } from "../../../../lib/errors.ts";
import { storedCredentials } from "../../../../lib/deploy/oci/credentials.ts";
import { type PulledImage, pullImage } from "../../../../lib/deploy/oci/pull_image.ts";
import { readReference, type Reference } from "../../../../lib/deploy/oci/reference.ts";
import { RegistryClient } from "../../../../lib/deploy/oci/registry_client.ts";
import { Repository } from "../../../../lib/deploy/oci/repository.ts";
import { openRegistry } from "../../../../lib/image/registry.ts";
import { run, which } from "../../../../lib/process.ts";
import { tempDir } from "../../../base/temp.ts";
import { answeringProxy } from "./answering_proxy.ts";
import { cuttingProxy } from "./cutting_proxy.ts";
import { deployTo, homeTools } from "./deploy_to.ts";
import { dockerRegistry } from "./docker_registry.ts";
import { pushDirectory } from "./push_directory.ts";
import { sampleDisk } from "./sample_disk.ts";

const ignore = await which("docker-registry") === undefined || await which("skopeo") === undefined;
const mib = 1024 ** 2;

interface Pulling {
  readonly name?: string;
  readonly architecture?: "amd64" | "arm64";
  readonly signal?: AbortSignal;
}

async function pull(
  home: string,
  text: string,
  { architecture = "amd64", signal, ...more }: Pulling = {},
): Promise<PulledImage> {
  const reference = readReference(text) as Reference;
  const tools = homeTools(home, signal === undefined ? {} : { signal });
  const { host, repository } = reference;
  using client = new RegistryClient({
    ...{ host, signal: tools.signal, backoffMs: 50 },
    credentials: () => storedCredentials(host, repository, tools),
  });
  await Deno.mkdir(join(home, "images"), { recursive: true });
  return await pullImage(new Repository(client, repository), reference, {
    places: { registryPath: join(home, "registry.yml"), imageDir: join(home, "images") },
    lockOf: (name) => join(home, "locks", name),
    ...{ architecture, signal: tools.signal, qemuImg: tools.qemuImg, progress() {} },
    ...more,
  });
}

async function filesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

for (const [layout, layer] of [["artifact", "tar"], ["containerdisk", "tar"], ["containerdisk", "gzip"]]) {
  Deno.test({
    name:
      `what is pulled is what was pushed, byte for byte, with all that is known of it (${layout}, ${layer})`,
    ignore,
    async fn() {
      await using registry = await dockerRegistry();
      await using home = await tempDir();
      const files = { manifest: "m.json", sbom: "s.json", efiVars: "v.fd" };
      const more = { ...files, sshPort: 2222, username: "deploy", firmware: "uefi" } as const;
      const sample = await sampleDisk(join(home.path, "built"), { mib: 20, more });
      const beside = (name: string) => join(home.path, "built", name);
      for (const name of Object.values(files)) await Deno.writeTextFile(beside(name), `{"is": "${name}"}`);
      const image = { ...sample, efiVars: beside("v.fd") };
      const reference = `${registry.host}/team/web:x`;
      await deployTo(home.path, { reference, layout, layer, chunk_mib: 3 }, image);
      const { entry, path, already } = await pull(home.path, reference, { name: "pulled" });
      assert.equal(already, false);
      assert.deepEqual(await Deno.readFile(path), await Deno.readFile(image.path));
      const { manifest: _m, sbom: _s, efiVars: _e, ...same } = image.entry;
      const own = layout === "artifact"
        ? { manifest: "pulled.manifest.json", sbom: "pulled.spdx.json", efiVars: "pulled.efi-vars.fd" }
        : {};
      const expected = { ...same, ...own, name: "pulled", file: "pulled.qcow2", logs: [] };
      assert.deepEqual(entry, { ...expected, virtualBytes: 20 * mib });
      assert.deepEqual((await openRegistry(join(home.path, "registry.yml"))).get("pulled"), entry);
      const here = ["pulled.qcow2", ...Object.values(own)].sort();
      assert.deepEqual(await filesIn(join(home.path, "images")), here);
      if (layout === "artifact") {
        assert.equal(
          await Deno.readTextFile(join(home.path, "images", "pulled.efi-vars.fd")),
          await Deno.readTextFile(beside("v.fd")),
        );
      }
      assert.equal((await pull(home.path, reference, { name: "pulled" })).already, true);
    },
  });

  Deno.test({
    name:
      `a pull that is cut goes on in the same run, and one that is stopped in the next (${layout}, ${layer})`,
    ignore,
    async fn() {
      await using registry = await dockerRegistry();
      await using proxy = cuttingProxy(registry.host);
      await using home = await tempDir();
      const image = await sampleDisk(home.path, { mib: 24 });
      await deployTo(
        home.path,
        { reference: `${registry.host}/team/web:x`, layout, layer, chunk_mib: 2 },
        image,
      );
      const reference = `${proxy.host}/team/web:x`;
      proxy.cutAfter("down", 12 * mib);
      const { path } = await pull(home.path, reference, { name: "cut" });
      assert.equal(proxy.cuts(), 1);
      assert.deepEqual(await Deno.readFile(path), await Deno.readFile(image.path));
      const stop = new AbortController();
      const held = proxy.holdAfter("down", 16 * mib);
      const stopped = pull(home.path, reference, { name: "stopped", signal: stop.signal });
      await held;
      stop.abort();
      await assert.rejects(stopped, /Cancelled/);
      proxy.release();
      assert.ok(!(await filesIn(join(home.path, "images"))).includes("stopped.qcow2"));
      const before = proxy.passed.down;
      const { path: again } = await pull(home.path, reference, { name: "stopped" });
      assert.deepEqual(await Deno.readFile(again), await Deno.readFile(image.path));
      assert.ok(proxy.passed.down - before < 20 * mib, `${proxy.passed.down - before} bytes`);
    },
  });
}

Deno.test({
  name: "of an index the image for the wanted architecture is pulled",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const settings = { reference: `${registry.host}/team/web:latest`, index: true };
    const amd64 = await sampleDisk(join(home.path, "1"), { mib: 1 });
    const arm64 = await sampleDisk(join(home.path, "2"), { mib: 1, more: { architecture: "arm64" } });
    await deployTo(home.path, settings, amd64);
    await assert.rejects(
      pull(home.path, settings.reference, { architecture: "arm64" }),
      /has no image for arm64; it has: amd64/,
    );
    await deployTo(home.path, settings, arm64);
    assert.equal(
      (await pull(home.path, settings.reference, { architecture: "arm64" })).entry.sha256,
      arm64.sha256,
    );
    assert.equal((await pull(home.path, settings.reference, { name: "other" })).entry.sha256, amd64.sha256);
  },
});

Deno.test({
  name: "bytes that are damaged on their way are noticed and not kept",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path, { mib: 1 });
    for (const layout of ["artifact", "containerdisk"]) {
      await deployTo(home.path, { reference: `${registry.host}/${layout}/web:x`, layout }, image, {
        target: layout,
      });
      // A containerDisk has four records of its archive around the disk.
      const bytes = image.entry.bytes + (layout === "artifact" ? 0 : 2048);
      await using proxy = answeringProxy(registry.host, ({ method }, path) => {
        const damaged = method === "GET" && /blobs\/sha256/.test(path);
        return damaged ? new Response(new Uint8Array(bytes)) : undefined;
      });
      await assert.rejects(pull(home.path, `${proxy.host}/${layout}/web:x`), (error) => {
        assert.match(
          String(error),
          /^HttpError: Cannot pull \S+: \S+ sent something else than the blob sha256:/,
        );
        return (error as PimError).exitCode === 5;
      });
      assert.deepEqual(
        (await filesIn(join(home.path, "images"))).filter((name) => !name.startsWith(".")),
        [],
      );
    }
  },
});

Deno.test({
  name: "a containerDisk of others is pulled, and what is known of it is told",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path, { mib: 1 });
    await Deno.mkdir(join(home.path, "disk"));
    await Deno.rename(image.path, join(home.path, "disk", "fedora.qcow2"));
    await home.write("etc/os-release", "ID=fedora\n");
    await run(["tar", "-czf", join(home.path, "l.tgz"), "-C", home.path, "./etc", "./disk"]);
    const reference = `${registry.host}/containerdisks/fedora:40`;
    await pushDirectory(
      reference,
      join(home.path, "dir"),
      join(home.path, "l.tgz"),
      "application/vnd.oci.image.layer.v1.tar+gzip",
    );
    const { entry } = await pull(home.path, reference);
    const { sha256, profile, virtualBytes, iso } = entry;
    assert.deepEqual({ sha256, profile, virtualBytes, iso }, {
      ...{ sha256: image.sha256, profile: "fedora", virtualBytes: mib },
      iso: { key: "", filename: reference },
    });
  },
});

Deno.test({
  name: "a disk that names another file of this host is never kept",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const secret = await home.write("secret", "x".repeat(65_536));
    for (
      const [name, options] of [
        ["backing", ["-b", secret, "-F", "raw"]],
        ["data", ["-o", `data_file=${join(home.path, "outside")}`]],
      ] as const
    ) {
      await Deno.mkdir(join(home.path, name, "disk"), { recursive: true });
      await run([
        "qemu-img",
        "create",
        "-f",
        "qcow2",
        ...options,
        join(home.path, name, "disk", "d.qcow2"),
        "1M",
      ]);
      const layer = join(home.path, `${name}.tar`);
      await run(["tar", "-cf", layer, "-C", join(home.path, name), "disk"]);
      const reference = `${registry.host}/bad/${name}:x`;
      await pushDirectory(
        reference,
        join(home.path, `${name}-dir`),
        layer,
        "application/vnd.oci.image.layer.v1.tar",
      );
      await assert.rejects(
        pull(home.path, reference),
        /is not kept: it would read another file of this host/,
      );
    }
    assert.deepEqual(await filesIn(join(home.path, "images")), []);
  },
});

Deno.test({
  name: "a name that another image has, or one whose file is gone, is told with what to do",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    for (const dir of ["one", "two"]) {
      const reference = `${registry.host}/${dir}/web:x`;
      await deployTo(home.path, { reference }, await sampleDisk(join(home.path, dir), { mib: 1 }), {
        target: dir,
      });
    }
    const refused = (message: RegExp) => ({ name: "UsageError", message, hint: /^Give .* --name\.$/ });
    const { path } = await pull(home.path, `${registry.host}/one/web:x`);
    await assert.rejects(
      pull(home.path, `${registry.host}/two/web:x`),
      refused(/There is another image web-/),
    );
    await Deno.remove(path);
    await assert.rejects(pull(home.path, `${registry.host}/one/web:x`), refused(/its file \S+ is missing/));
  },
});

Deno.test({
  name: "what is no image is not pulled",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    await home.write("etc/os-release", "ID=debian\n");
    const layer = join(home.path, "l.tar");
    await run(["tar", "-cf", layer, "-C", home.path, "etc"]);
    const reference = `${registry.host}/library/debian:12`;
    await pushDirectory(reference, join(home.path, "dir"), layer, "application/vnd.oci.image.layer.v1.tar");
    await assert.rejects(
      pull(home.path, reference),
      /is no containerDisk: no layer of it has a file in \/disk/,
    );
    await assert.rejects(pull(home.path, `${registry.host}/library/none:12`), /has no library\/none:12/);
  },
});

Deno.test({
  name: "what an earlier pull has left under the name of another image does not get into this one",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    await using home = await tempDir();
    const image = await sampleDisk(home.path, { mib: 4 });
    for (
      const [layout, layer] of [["artifact", "tar"], ["containerdisk", "tar"], [
        "containerdisk",
        "gzip",
      ]] as const
    ) {
      const name = `${layout}-${layer}`;
      const reference = `${registry.host}/${name}/web:x`;
      await deployTo(home.path, { reference, layout, layer, chunk_mib: 1 }, image, { target: name });
      for (const left of [`.${name}.qcow2.pull`, `.${name}.qcow2.pull.layer`]) {
        await home.write(join("images", left), "something else".repeat(50_000));
      }
      const { path } = await pull(home.path, reference, { name });
      assert.deepEqual(await Deno.readFile(path), await Deno.readFile(image.path));
    }
  },
});

const mayMount = Deno.uid() === 0 && (await run(["unshare", "-m", "true"]).then(() => true, () => false));

for (const layout of ["artifact", "containerdisk"]) {
  Deno.test({
    name: `a pull that was stopped needs room for the rest of its image alone (${layout}, needs root)`,
    ignore: ignore || !mayMount,
    async fn() {
      await using registry = await dockerRegistry();
      await using proxy = cuttingProxy(registry.host);
      await using home = await tempDir();
      const image = await sampleDisk(home.path, { mib: 16 });
      const reference = `${proxy.host}/team/web:x`;
      await deployTo(home.path, { reference, layout, chunk_mib: 2 }, image);
      const images = join(home.path, "images");
      await Deno.mkdir(images);
      await run(["mount", "-t", "tmpfs", "-o", "size=20m", "none", images]);
      try {
        const stop = new AbortController();
        const held = proxy.holdAfter("down", 12 * mib);
        const stopped = pull(home.path, reference, { name: "web", signal: stop.signal });
        await held;
        stop.abort();
        await assert.rejects(stopped, /Cancelled/);
        proxy.release();
        const { path } = await pull(home.path, reference, { name: "web" });
        assert.deepEqual(await Deno.readFile(path), await Deno.readFile(image.path));
      } finally {
        await run(["umount", images]);
      }
    },
  });
}
