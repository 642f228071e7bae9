import { parseArchitecture } from "../../architecture.ts";
import { UsageError } from "../../errors.ts";
import { type ImageEntry, readEntry } from "../../image/entry.ts";
import { imageName } from "../../image/images.ts";
import { checkName } from "../../paths.ts";
import { marks } from "./manifests.ts";
import type { FoundImage } from "./resolve_image.ts";

/** What is known of an image before its disk is here. */
export type Outline = Omit<ImageEntry, "virtualBytes" | "bytes" | "sha256">;

const created = "org.opencontainers.image.created";

/**
 * What the registry will know of a pulled image: what pim wrote when it pushed it, else what can be told from where it
 * came from. Its files get names of this host's making.
 */
export function outlineOf(
  { manifest, architecture, kind }: FoundImage,
  { repository, shown, name }: {
    readonly repository: string;
    readonly shown: string;
    readonly name?: string;
  },
): Outline {
  const mark = manifest.annotations?.[marks.entry];
  const known = mark === undefined ? undefined : markedEntry(mark, shown);
  if (known !== undefined) {
    const { efiVars, manifest: file, sbom, ...rest } = known;
    const own = checkName(
      name ?? manifest.annotations?.["org.opencontainers.image.version"] ?? "",
      "image name",
    );
    return {
      ...{ ...rest, name: own, file: `${own}.qcow2`, logs: [] },
      ...(kind === "artifact" && efiVars !== undefined && { efiVars: `${own}.efi-vars.fd` }),
      ...(kind === "artifact" && file !== undefined && { manifest: `${own}.manifest.json` }),
      ...(kind === "artifact" && sbom !== undefined && { sbom: `${own}.spdx.json` }),
    };
  }
  const made = manifest.annotations?.[created] ?? "";
  const time = new Date(Number.isNaN(Date.parse(made)) ? Date.now() : made);
  const profile = repository.replace(/^.*\//, "").slice(0, 32);
  const arch = parseArchitecture(architecture ?? "amd64") ?? "amd64";
  const own = name === undefined ? imageName(profile, arch, time) : checkName(name, "image name");
  return {
    ...{ name: own, profile, architecture: arch, file: `${own}.qcow2`, format: "qcow2" },
    ...{ created: time.toISOString(), firmware: "bios", scripts: [], username: "root", logs: [] },
    iso: { key: "", filename: shown },
  };
}

function markedEntry(text: string, shown: string): ImageEntry {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UsageError(`${shown} is marked as an image of pim's, and its description cannot be read`);
  }
  const entry = readEntry("pulled", value, () => shown);
  // It becomes an argument of ssh.
  if (/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(entry.username)) return entry;
  throw new UsageError(`${shown} names a user that cannot be one: ${JSON.stringify(entry.username)}`);
}
