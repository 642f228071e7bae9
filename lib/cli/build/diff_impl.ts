import { findLastTwo, findManifest, type FoundManifest } from "../../image/find_manifest.ts";
import { diffManifests, type ManifestDiff } from "../../image/manifest_diff.ts";
import { registryFile } from "../../paths.ts";
import type { PimContext } from "../context.ts";
import type { JsonFlags } from "../flags.ts";
import { table } from "../table.ts";

/** `pim build diff A [B]` */
export async function diff(
  this: PimContext,
  flags: JsonFlags,
  first: string,
  second?: string,
): Promise<void> {
  const config = await this.config();
  const places = { registryPath: registryFile(config.paths), imageDir: config.settings.build.image_dir };
  const { before, after } = second === undefined ? await findLastTwo(first, places) : {
    before: await findManifest(first, places, this.cwd),
    after: await findManifest(second, places, this.cwd),
  };
  const difference = diffManifests(before.manifest, after.manifest);
  if (flags.json) {
    const data = { before: summary(before), after: summary(after), ...difference };
    return this.print(JSON.stringify(data, null, 2));
  }
  this.print(await inputsTable(before, after, difference));
  this.print(packagesTable(difference.packages));
  if (!difference.digestsCompared) {
    this.process.stderr.write(
      "note: answer files and variables could not be compared: the two builds did not share a digest secret\n",
    );
  }
}

function summary({ path, manifest: { image } }: FoundManifest): Readonly<Record<string, string | number>> {
  const { name, profile, architecture, created, bytes } = image;
  return { name, profile, architecture, created, bytes, manifest: path };
}

async function inputsTable(
  before: FoundManifest,
  after: FoundManifest,
  { inputs, system }: ManifestDiff,
): Promise<string> {
  const { default: prettyBytes } = await import("pretty-bytes");
  const [old, now] = [before.manifest.image, after.manifest.image];
  const size = (bytes: number) => prettyBytes(bytes, { binary: true });
  const rows = [...inputs, ...system].map(({ what, before, after }) => [
    what,
    shorten(before),
    shorten(after),
  ]);
  return table(["WHAT", "BEFORE", "AFTER"], [
    ["image", old.name, now.name],
    ["built", old.created, now.created],
    ["size", size(old.bytes), size(now.bytes)],
    ...rows,
  ]) + (rows.length === 0 ? "\n\nBoth were built from the same inputs." : "");
}

function packagesTable(packages: ManifestDiff["packages"]): string {
  const changes = (["added", "removed", "upgraded", "downgraded"] as const).flatMap((change) =>
    packages[change].map((each) => [change, each] as const)
  );
  if (changes.length === 0) return "\nThe same packages are in both.";
  return `\n${
    table(
      ["PACKAGE", "ARCH", "CHANGE", "BEFORE", "AFTER"],
      changes.map(([change, { name, architecture, before, after }]) => [
        name,
        architecture,
        change,
        before ?? "-",
        after ?? "-",
      ]),
    )
  }`;
}

/** A digest by its first digits, anything else as it is. */
function shorten(value: string | undefined): string {
  return value?.replace(/\b([0-9a-f]{12})[0-9a-f]{52,}\b/, "$1…") ?? "-";
}
