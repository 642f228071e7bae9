import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startHash } from "../../lib/iso/verify/checksum.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { type FileServer, serveFile } from "../iso/download/file_server.ts";

const standIn = (name: string) =>
  Deno.readTextFile(fileURLToPath(new URL(`stand_in/${name}`, import.meta.url)));

/** A release of Ventoy on a real web server, with a stand-in for its installer. */
export interface SampleRelease extends AsyncDisposable {
  readonly server: FileServer;
  /** Lines for pim.yml. */
  readonly settings: string;
  readonly url: string;
  readonly checksum: string;
}

/** Packs these files, as a release's archive names them, and returns the archive. */
export async function packArchive(
  files: Readonly<Record<string, string>>,
  more: readonly string[] = [],
): Promise<Uint8Array> {
  await using dir = await tempDir(files);
  const archive = join(dir.path, "archive.tar.gz");
  const names = [...new Set(Object.keys(files).map((name) => name.split("/")[0] as string))];
  await run(["tar", "-czf", archive, "-C", dir.path, ...more, ...names]);
  return await Deno.readFile(archive);
}

/** Serves a release with this version. */
export async function sampleRelease(version = "1.1.18"): Promise<SampleRelease> {
  const top = `ventoy-${version}`;
  const content = await packArchive({
    [`${top}/Ventoy2Disk.sh`]: await standIn("launcher.sh"),
    [`${top}/tool/VentoyWorker.sh`]: await standIn("worker.sh"),
    [`${top}/boot/boot.img`]: "",
    [`${top}/ventoy/version`]: `${version}\n`,
  });
  const server = await serveFile(content);
  const url = `${server.url}/ventoy-${version}-linux.tar.gz`;
  const checksum = `sha256:${startHash("sha256").update(content).digest("hex")}`;
  return {
    server,
    url,
    checksum,
    settings: `ventoy: { version: "${version}", url: "${url}", checksum: "${checksum}" }\n`,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
