import { dirname, join } from "node:path";

/** A temporary folder that goes away at the end of the block. */
export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** Writes a file in it and returns its path. */
  write(name: string, text: string): Promise<string>;
}

/** Makes a temporary folder with these files in it. */
export async function tempDir(files: Readonly<Record<string, string>> = {}): Promise<TempDir> {
  const path = await Deno.realPath(await Deno.makeTempDir({ prefix: "pim-test-" }));
  const write = async (name: string, text: string) => {
    const file = join(path, name);
    await Deno.mkdir(dirname(file), { recursive: true });
    await Deno.writeTextFile(file, text);
    return file;
  };
  for (const [name, text] of Object.entries(files)) await write(name, text);
  return { path, write, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
