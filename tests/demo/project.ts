import { join, relative } from "node:path";
import { writeFileAtomic } from "../../lib/files.ts";
import type { DemoIso } from "./make_iso.ts";

const source = join(import.meta.dirname ?? ".", "project");

/** Writes the demo's project into a folder, with a catalog entry for the ISO. */
export async function writeDemoProject(dir: string, iso: DemoIso): Promise<void> {
  for await (const path of files(source)) {
    await writeFileAtomic(join(dir, relative(source, path)), await Deno.readTextFile(path));
  }
  await writeFileAtomic(
    join(dir, "isos.d", "demo.yml"),
    [
      "demo-amd64-netinst:",
      "  name: Debian installer of the demo",
      `  url: ${JSON.stringify(iso.path)}`,
      `  checksum: sha256:${iso.sha256}`,
      "  architecture: amd64",
      "",
    ].join("\n"),
  );
}

async function* files(dir: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(dir)) {
    const path = join(dir, entry.name);
    if (entry.isDirectory) yield* files(path);
    else yield path;
  }
}
