import { join } from "node:path";
import type { Evidence } from "../../../lib/build/diagnosis/evidence.ts";
import type { Note } from "../../../lib/build/diagnosis/notes.ts";
import type { ReasonCode } from "../../../lib/build/diagnosis/reason.ts";

/** What a failed build has left in its folder. */
export interface FailureBundle {
  readonly dir: string;
  /** Names of its files, and of those in its folders as `answers/preseed.cfg`. */
  readonly files: readonly string[];
  readonly reason: {
    readonly code: ReasonCode;
    readonly step: string;
    readonly summary: string;
    readonly hint?: string;
    readonly exitCode: number;
    readonly elapsedMs: number;
    readonly notes: readonly Note[];
    readonly evidence?: Evidence;
  };
  text(name: string): Promise<string>;
}

/** Reads the folder of the newest failed build, of this profile where several have failed. */
export async function bundleOf(buildsDir: string, profile = ""): Promise<FailureBundle> {
  const folders = [...Deno.readDirSync(buildsDir)].map(({ name }) => name);
  const newest = folders.filter((name) => name.startsWith(profile) && !name.startsWith(".")).sort().at(-1);
  if (newest === undefined) throw new Error(`no build of ${profile} is left in ${buildsDir}`);
  const dir = join(buildsDir, newest);
  const text = (name: string) => Deno.readTextFile(join(dir, name));
  return { dir, files: filesIn(dir), reason: JSON.parse(await text("reason.json")), text };
}

function filesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].flatMap(({ name, isDirectory }) =>
    isDirectory ? [name, ...filesIn(join(dir, name)).map((each) => `${name}/${each}`)] : [name]
  );
}
