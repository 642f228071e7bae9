import { basename, dirname } from "node:path";
import { UsageError } from "./errors.ts";
import { nearest } from "./suggest.ts";

/** Options of {@linkcode missingFile}. */
export interface MissingFileOptions {
  /** What was looked for, when it need not be a file. */
  readonly what?: string;
  /** What to do when nothing in its folder has a name like it. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The error for a file that is not there; its hint is the name in that folder which was meant, where one is near. */
export async function missingFile(path: string, options: MissingFileOptions = {}): Promise<UsageError> {
  const { what = "file", hint, cause } = options;
  const near = nearest(basename(path), await namesIn(dirname(path)));
  return new UsageError(`There is no ${what} ${path}`, {
    hint: near === undefined ? hint : `Did you mean ${near}?`,
    cause,
  });
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  } catch {
    return []; // It cannot be read, or is missing itself.
  }
}
