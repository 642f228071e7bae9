import { join } from "node:path";
import { findBuild, type FoundBuild } from "../../build/find_build.ts";
import { isBuildRunning } from "../../build/workspace.ts";
import { CancelledError, PimError, UsageError } from "../../errors.ts";
import { log as note } from "../../log.ts";
import { writeAll } from "../../output.ts";
import { readLog } from "../../vm/console/vm_log.ts";
import type { BuildLogFlags } from "./log.ts";
import type { PimContext } from "../context.ts";

/** `pim build log [BUILD|PROFILE]` */
export async function log(this: PimContext, flags: BuildLogFlags, text?: string): Promise<void> {
  if (flags.console && flags.json) throw new UsageError("--console and --json exclude each other");
  const config = await this.config();
  const build = await findBuild(config, text);
  const path = logOf(build, flags, config.settings.build.image_dir);
  const running = build.kind === "folder" && build.folder.running;
  using end = flags.follow && running ? endOf(build.folder.dir) : undefined;
  const until = end && AbortSignal.any([end.signal, this.signal]);
  let bytes = 0;
  try {
    for await (const piece of readLog(path, { lines: flags.lines, raw: !flags.console, until })) {
      if (until === undefined && this.signal.aborted) break;
      bytes += piece.length;
      await writeAll(this.stdout, piece);
    }
  } catch (error) {
    // Whoever read has had enough: `pim build log | head`.
    if (error instanceof Deno.errors.BrokenPipe) return;
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new PimError(`There is no such log of ${build.name} yet: ${path}`, { cause: error });
  }
  if (this.signal.aborted) throw new CancelledError();
  if (end !== undefined) note.info(`${build.name} has ended`);
  else if (bytes === 0) note.info(`${path} is empty`);
}

/** The path of the log that the flags ask for. */
function logOf(build: FoundBuild, flags: BuildLogFlags, imageDir: string): string {
  if (build.kind === "folder") {
    const { files } = build.folder;
    return flags.console ? files.serialLog : flags.json ? files.events : files.buildLog;
  }
  const ending = flags.console ? ".serial.log" : flags.json ? ".build.ndjson" : ".build.log";
  const found = build.image.logs.find((name) => name.endsWith(ending));
  if (found !== undefined) return join(imageDir, found);
  throw new PimError(`The image ${build.name} has no such log beside it`, {
    hint: `It has: ${build.image.logs.join(", ") || "none"}`,
  });
}

/** A signal that is aborted when a build no longer runs; looks as long as it is not disposed of. */
function endOf(dir: string): Disposable & { readonly signal: AbortSignal } {
  const controller = new AbortController();
  const timer = setInterval(async () => {
    if (await isBuildRunning(dir)) return;
    clearInterval(timer);
    controller.abort();
  }, 250);
  return { signal: controller.signal, [Symbol.dispose]: () => clearInterval(timer) };
}
