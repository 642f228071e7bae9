import { basename } from "node:path";
import { type ConfigFolder, findFile, type FoundFile, listFolder } from "../config/folders.ts";
import { UsageError } from "../errors.ts";
import { checkName } from "../paths.ts";
import { nearest } from "../suggest.ts";

/** A provisioning script that a build runs over SSH. */
export interface Script {
  /** Its name in scripts.d, without the ending. */
  readonly name: string;
  readonly path: string;
}

/** The file named after the profile, else `default`, in a `.d` folder; pim's own files come last. */
export async function findNamed(
  folders: readonly ConfigFolder[],
  subfolder: string,
  profile: string,
  endings: readonly string[],
): Promise<FoundFile | undefined> {
  const names = [profile, "default"].flatMap((name) => endings.map((ending) => name + ending));
  return await findFile(folders, subfolder, names);
}

/**
 * The provisioning scripts of a profile in the order they run: base, the profile's own (else default),
 * the ones it lists, finalize. Only scripts of the user and the project count.
 */
export async function provisioningScripts(
  folders: readonly ConfigFolder[],
  profile: string,
  listed: readonly string[],
): Promise<Script[]> {
  const own = folders.filter((each) => each.kind !== "built-in");
  const scripts: Script[] = [];
  const add = async (names: readonly string[]): Promise<boolean> => {
    const found = await findFile(own, "scripts.d", names.map((name) => `${name}.sh`));
    if (found === undefined) return false;
    const name = basename(found.path, ".sh");
    if (!scripts.some((each) => each.name === name)) scripts.push({ name, path: found.path });
    return true;
  };
  await add(["base"]);
  await add([profile, "default"]);
  for (const name of listed) {
    const bare = checkName(name.replace(/\.sh$/, ""), "script name");
    if (await add([bare])) continue;
    const near = nearest(bare, (await Promise.all(own.map(scriptNames))).flat());
    throw new UsageError(
      `Profile ${profile} lists the script ${name}, but there is no scripts.d/${bare}.sh`,
      {
        hint: (near === undefined ? "" : `Did you mean ${near}? `) +
          `It is looked for in: ${own.map((each) => each.path).join(", ")}`,
      },
    );
  }
  await add(["finalize"]);
  return scripts;
}

async function scriptNames(folder: ConfigFolder): Promise<readonly string[]> {
  return (await listFolder(folder, "scripts.d", /\.sh$/)).map((file) => basename(file, ".sh"));
}
