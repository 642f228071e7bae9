import { isAbsolute, join } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { showUrl } from "../../http/error.ts";
import { filenameOf } from "../../iso/catalog/entry.ts";
import { type Checksum, isChecksum, parseChecksum } from "../../iso/verify/checksum.ts";

/** A release of Ventoy: where it comes from and where it is unpacked. */
export interface VentoyRelease {
  /** Undefined when pim.yml names another URL and no version. */
  readonly version: string | undefined;
  /** An http, https or file URL. */
  readonly url: string;
  readonly filename: string;
  readonly checksum: Checksum;
  /** The folder with Ventoy2Disk.sh in it. */
  readonly folder: string;
}

/** The settings of Ventoy in pim.yml. */
export type VentoySettings = Settings["ventoy"];

// The checksum is the one on the release's page, https://github.com/ventoy/Ventoy/releases/tag/v1.1.18.
const known = {
  version: "1.1.18",
  checksum: "sha256:d86ff9de63d94c8b8f1f6b14d23c55af4b88e8207bf2893890892a6a97b1ad54",
};

/**
 * The release that pim.yml names, or the one that pim knows. Throws {@linkcode UsageError} where nothing vouches for it.
 *
 * @param folder where releases are unpacked
 * @param home the folder that `~` means
 */
export function ventoyRelease(settings: VentoySettings, folder: string, home: string): VentoyRelease {
  const version = settings.version ?? (settings.url === undefined ? known.version : undefined);
  const url = checkUrl(settings.url ?? officialUrl(version ?? known.version));
  const filename = checkPart(settings.file ?? filenameOf(url), {
    setting: "file",
    what: "the name of the download",
  });
  return {
    version,
    url,
    filename,
    checksum: checksumOf(settings.checksum, url),
    folder: unpackedAt(
      settings.dir ?? filename.replace(/(-linux)?\.(tar\.gz|tgz|tar\.xz|tar)$/, ""),
      folder,
      home,
    ),
  };
}

function officialUrl(version: string): string {
  return `https://github.com/ventoy/Ventoy/releases/download/v${version}/ventoy-${version}-linux.tar.gz`;
}

function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && ["http:", "https:", "file:"].includes(url.protocol)) return url.href;
  throw new UsageError(`ventoy.url is no URL that Ventoy can be fetched from: ${text}`, {
    hint: "Write an https, http or file URL of a ventoy-…-linux.tar.gz in pim.yml.",
  });
}

function checksumOf(text: string | undefined, url: string): Checksum {
  if (text === undefined && url === officialUrl(known.version)) return parseChecksum(known.checksum);
  if (text !== undefined && isChecksum(text)) return parseChecksum(text);
  throw new UsageError(
    text === undefined
      ? `ventoy.checksum is not set, and nothing else vouches for ${showUrl(url)}`
      : `ventoy.checksum is no checksum: ${text}`,
    {
      hint: 'Write the one on the release\'s page in pim.yml: ventoy: { checksum: "sha256:…" }, ' +
        "with all its 64 digits.",
    },
  );
}

function checkPart(name: string, { setting, what }: { setting: string; what: string }): string {
  // deno-lint-ignore no-control-regex -- control characters are exactly what must not be in a name
  if (name.length <= 200 && /^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$/.test(name)) return name;
  throw new UsageError(`${JSON.stringify(name)} cannot be ${what}`, {
    hint: `Set ventoy.${setting} in pim.yml to a name without a folder.`,
  });
}

function unpackedAt(dir: string, folder: string, home: string): string {
  const path = dir.replace(/^~(?=$|\/)/, home);
  return isAbsolute(path)
    ? path
    : join(folder, checkPart(path, { setting: "dir", what: "the folder of Ventoy in the cache" }));
}
