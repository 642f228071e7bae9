import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { messageOf, UsageError } from "../errors.ts";
import { readTextIfThere } from "../files.ts";
import { formatArgv } from "../process.ts";

/**
 * Imports a configuration module from disk and returns its default export; throws {@linkcode UsageError} naming the file.
 *
 * @param form what such a module looks like, for who has written none
 */
export async function importDefault(path: string, form: string): Promise<unknown> {
  // The runtime's own message for a missing file speaks of module graphs.
  if ((await readTextIfThere(path)) === undefined) throw new UsageError(`There is no file ${path}`);
  let module: Record<string, unknown>;
  try {
    // The real path: a compiled binary must not look for it among its embedded files.
    module = await import(pathToFileURL(await Deno.realPath(path)).href);
  } catch (cause) {
    throw new UsageError(`Cannot load ${path}: ${reason(cause)}`, {
      cause,
      hint: `Check it in an editor, or with: ${formatArgv(["deno", "check", path])}`,
    });
  }
  if (!("default" in module)) {
    throw new UsageError(`${path} has no default export`, { hint: `Write ${form}.` });
  }
  return module.default;
}

function reason(error: unknown): string {
  const place = error instanceof Error
    ? /\((file:\/\/\S+?:\d+:\d+)\)|at (file:\/\/\S+:\d+:\d+)/.exec(error.stack ?? "")
    : null;
  const message = stripVTControlCharacters(messageOf(error)).replaceAll("file://", "");
  // A module graph error names its place in the message already.
  if (place === null || message.includes("at /")) return message;
  return `${message} (${(place[1] ?? place[2] ?? "").replace("file://", "")})`;
}
