import { resolve } from "node:path";
import { writeScaffold } from "../config/scaffold.ts";
import { readProfileTypes } from "../profile/types_text.ts";
import { userPaths } from "../paths.ts";
import { log } from "../log.ts";
import { formatArgv } from "../process.ts";
import type { PimContext } from "./context.ts";
import type { InitFlags } from "./init.ts";

/** `pim init [DIR]` */
export async function init(this: PimContext, flags: InitFlags, dir?: string): Promise<void> {
  const target = dir === undefined ? userPaths(this.env).configDir : resolve(this.cwd, dir);
  const { written, kept } = await writeScaffold(target, await readProfileTypes(), flags);
  this.print(
    `${written.length} files written to ${target}${
      kept.length > 0 ? `, ${kept.length} kept as they were` : ""
    }`,
  );
  if (this.quiet) return;
  if (written.length === 0) return log.info("pim init --force writes the types and editor settings anew.");
  const prefix = dir === undefined ? "" : `${formatArgv(["cd", dir])} && `;
  this.print(`\nNext:
  ${prefix}pim profile list            see the profiles; edit profiles.d/*.ts with completion
  ${prefix}pim iso list                see the ISO catalog
  ${prefix}pim build run developer     build an image, once profiles.d/developer.ts has your public key`);
}
