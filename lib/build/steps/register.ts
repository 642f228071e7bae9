import { basename, join } from "node:path";
import { messageOf, PimError } from "../../errors.ts";
import { exists } from "../../files.ts";
import type { ImageEntry } from "../../image/entry.ts";
import { type StepTime, writeManifest } from "../../image/manifest.ts";
import { updateRegistry } from "../../image/registry.ts";
import { spdxDocument, writeSpdx } from "../../image/spdx.ts";
import { registryFile } from "../../paths.ts";
import type { Step } from "../chain.ts";
import { manifestOf } from "../image_manifest.ts";
import type { BuiltImage, Flattened } from "../states.ts";

/** Puts the image among the images, its manifest and the build's logs beside it, and records it. Once begun it is not cancelled. */
export const register: Step<Flattened, BuiltImage> = {
  name: "register",
  async run(state, { done }) {
    const { plan, workspace, part, imageBytes } = state;
    const files = imageFiles(state);
    // Its name holds the second that the build began; after a clock was set back, a VM may run over such a file.
    if (await exists(files.image)) {
      throw new PimError(`Cannot write the image: ${files.image} is there already`);
    }
    await Deno.rename(part, files.image);
    try {
      if (files.efiVars !== undefined) await Deno.copyFile(workspace.files.efiVars, files.efiVars);
      await Deno.copyFile(workspace.files.serialLog, files.serialLog);
      await Deno.copyFile(workspace.files.buildLog, files.buildLog);
      await Deno.copyFile(workspace.files.events, files.events);
      const entry = entryOf(state, files);
      await describe(state, entry, files, done);
      await updateRegistry(registryFile(plan.config.paths), (registry) => registry.add(entry));
    } catch (cause) {
      // An hour's work is not thrown away for this.
      throw new PimError(`The image is complete, but it could not be registered: ${messageOf(cause)}`, {
        cause,
        hint: `It stays as ${files.image}` +
          (cause instanceof PimError && cause.hint ? `. ${cause.hint}` : ""),
      });
    }
    return { name: plan.name, path: files.image, bytes: imageBytes };
  },
};

/** Writes what the image was made of and what is in it. */
async function describe(
  state: Flattened,
  entry: ImageEntry,
  files: ImageFiles,
  done: readonly StepTime[],
): Promise<void> {
  const manifest = manifestOf(state, entry, done);
  await writeManifest(files.manifest, manifest);
  await writeSpdx(files.sbom, spdxDocument(manifest));
}

interface ImageFiles {
  readonly image: string;
  readonly efiVars?: string;
  readonly serialLog: string;
  readonly buildLog: string;
  readonly events: string;
  readonly manifest: string;
  readonly sbom: string;
}

function imageFiles({ plan, efiVars }: Flattened): ImageFiles {
  const file = (ending: string) => join(plan.config.settings.build.image_dir, `${plan.name}.${ending}`);
  return {
    image: file("qcow2"),
    ...(efiVars !== undefined && { efiVars: file("efi-vars.fd") }),
    serialLog: file("serial.log"),
    buildLog: file("build.log"),
    events: file("build.ndjson"),
    manifest: file("manifest.json"),
    sbom: file("spdx.json"),
  };
}

function entryOf(state: Flattened, files: ImageFiles): ImageEntry {
  const { plan, origin, imageBytes, sha256, verification } = state;
  const time = new Date().toISOString();
  return {
    name: plan.name,
    profile: plan.profile.name,
    architecture: plan.architecture,
    file: basename(files.image),
    format: "qcow2",
    virtualBytes: plan.diskBytes,
    bytes: imageBytes,
    sha256,
    created: time,
    firmware: plan.profile.build.firmware,
    ...(files.efiVars !== undefined && { efiVars: basename(files.efiVars) }),
    iso: {
      key: plan.iso.key,
      filename: plan.iso.filename,
      checksum: origin.isoChecksum,
    },
    scripts: plan.scripts.map(({ name }) => name),
    username: plan.profile.username,
    logs: [files.serialLog, files.buildLog, files.events].map((path) => basename(path)),
    manifest: basename(files.manifest),
    sbom: basename(files.sbom),
    ...(plan.keys !== undefined && { key: plan.keys.image }),
    ...(verification !== undefined && { verified: { ok: verification.ok, time } }),
  };
}
