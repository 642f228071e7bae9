// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task release:assets`: puts beside the binaries of `deno task compile --all` what else belongs to a release: the
// bill of materials, the release notes, an install.sh that knows where it came from, manual pages where they have been
// made (`deno task man`), completions, and SHA256SUMS.
import { basename, dirname, join } from "node:path";
import config from "../deno.json" with { type: "json" };
import { readCommit } from "../lib/commit.ts";
import { PimError, UsageError } from "../lib/errors.ts";
import { exists, writeFileAtomic } from "../lib/files.ts";
import { hashFile } from "../lib/hash.ts";
import { run } from "../lib/process.ts";
import { sectionOf } from "./changelog.ts";
import { packagesOfBinary } from "./packages.ts";
import { runScript } from "./run_script.ts";
import { billOfMaterials } from "./sbom.ts";
import { binaryName, targets } from "./targets.ts";

/** Where `base_url` is left open in install.sh. */
const openUrl = 'base_url=""';

/** install.sh for a release that is downloaded from this URL. */
export function installScript(script: string, baseUrl: string): string {
  if (!URL.canParse(baseUrl) || !/^[\w:/.-]+$/.test(baseUrl)) {
    throw new UsageError(`${baseUrl} is no URL of releases`);
  }
  const parts = script.split(openUrl);
  if (parts.length !== 2) throw new Error(`install.sh must have ${openUrl} once`);
  return parts.join(`base_url="${baseUrl}"`);
}

/** Writes the other files of a release into `dist`, and at last SHA256SUMS of all of them. Returns their names. */
export async function writeAssets(root: string, dist: string, baseUrl: string): Promise<string[]> {
  const put = (name: string, text: string) => writeFileAtomic(join(dist, name), text);
  const binaries = targets.map(binaryName);
  for (const name of binaries) {
    if (await exists(join(dist, name))) continue;
    throw new PimError(`dist/${name} is not there`, { hint: "Make it with: deno task compile --all" });
  }
  const commit = await readCommit(root, Deno.env.get("SOURCE_DATE_EPOCH"));
  const notes = sectionOf(await Deno.readTextFile(join(root, "CHANGELOG.md")), config.version);
  if (!notes) throw new PimError(`CHANGELOG.md has no section for ${config.version}`);
  const contents = {
    version: config.version,
    commit,
    deno: Deno.version.deno,
    packages: await packagesOfBinary(root),
  };
  await put("pim.spdx.json", `${JSON.stringify(billOfMaterials(contents), null, 2)}\n`);
  await put("install.sh", installScript(await Deno.readTextFile(join(root, "release/install.sh")), baseUrl));
  const archives: string[] = [];
  for (const [name, folder] of Object.entries(packed(root, dist))) {
    if (await exists(folder)) archives.push(await pack(dist, name, folder, commit?.date ?? "1970-01-01"));
  }
  const assets = [...binaries, "install.sh", "pim.spdx.json", ...archives];
  const sums = await Promise.all(
    assets.map(async (name) => `${await hashFile(join(dist, name), "sha256")}  ${name}\n`),
  );
  await put("SHA256SUMS", sums.join(""));
  // For the release's page, not one of its files.
  await put("NOTES.md", `${notes}\n`);
  return [...assets, "SHA256SUMS"];
}

/** The folders that become archives, by what they are called in them. */
function packed(root: string, dist: string): Readonly<Record<string, string>> {
  return { man: join(dist, "man"), completions: join(root, "lib/cli/complete/scripts") };
}

/** Packs a folder so that it is the same archive every time: nobody's name in it, no time of its own. */
async function pack(dist: string, name: string, folder: string, date: string): Promise<string> {
  const file = `pim-${name}.tar.gz`;
  const fixed = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", `--mtime=${date}`];
  const renamed = `--transform=s,^${basename(folder)},${name},`;
  const zip = "--use-compress-program=gzip -n";
  await run([
    "tar",
    "-C",
    dirname(folder),
    ...fixed,
    renamed,
    zip,
    "-cf",
    join(dist, file),
    basename(folder),
  ]);
  return file;
}

function releasesUrl(): string {
  const url = Deno.env.get("PIM_BASE_URL");
  if (url) return url;
  const [server, repository] = [Deno.env.get("GITHUB_SERVER_URL"), Deno.env.get("GITHUB_REPOSITORY")];
  if (server && repository) return `${server}/${repository}/releases`;
  throw new UsageError("Nobody says where this release will be downloaded from", {
    hint: "Type: PIM_BASE_URL=https://github.com/OWNER/pim/releases deno task release:assets",
  });
}

if (import.meta.main) {
  await runScript(async () => {
    const root = join(import.meta.dirname ?? ".", "..");
    for (const name of await writeAssets(root, join(root, "dist"), releasesUrl())) {
      console.log(`dist/${name}`);
    }
  });
}
