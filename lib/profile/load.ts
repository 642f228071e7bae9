import { join, parse } from "node:path";
import { UsageError } from "../errors.ts";
import { checkName } from "../paths.ts";
import { didYouMean } from "../suggest.ts";
import { type ConfigFolder, findFile, type FoundFile, listFolder } from "../config/folders.ts";
import { isTree, type Layer, type Merged, mergeLayers, type Tree } from "../config/merge.ts";
import { importDefault } from "../config/module.ts";
import { problemsError, validate } from "../config/validate.ts";
import { profileSchema } from "./schema.ts";
import type { Profile } from "./types.ts";

const folder = "profiles.d";
const endings = [".ts", ".js", ".mts", ".mjs"];
const profileForm = '`export default { … } satisfies Profile;` with `import type { Profile } from "pim";`';

/** A profile merged over what it extends, and where each value came from. */
export interface LoadedProfile extends Merged<Profile> {
  readonly name: string;
  /** The module files that were merged, lowest first. */
  readonly files: readonly string[];
}

/** The names of all profiles, sorted; "default" is among them when it exists. */
export async function listProfiles(folders: readonly ConfigFolder[]): Promise<string[]> {
  const names = new Set<string>();
  for (const each of folders.filter(isUsers)) {
    for (const file of await listFolder(each, folder, /\.m?[jt]s$/)) {
      if (!file.endsWith(".d.ts")) names.add(parse(file).name);
    }
  }
  return [...names].sort();
}

/** Loads a profile: pim's own defaults < default.ts < what it extends < the profile. All problems are reported together. */
export async function loadProfile(folders: readonly ConfigFolder[], name: string): Promise<LoadedProfile> {
  const files = await extendsChain(folders, name);
  const layers = files.map(({ file, value }, index): Layer => ({
    source: file.path,
    value: index === files.length - 1 ? value : { ...value, extends: undefined, description: undefined },
  }));
  const merged = mergeLayers<Tree>(layers);
  const value = validate(profileSchema, merged.value, merged.where);
  if (value.password !== undefined && value.passwordHash !== undefined) {
    // One of the two came from a file further down; the nearer one is meant.
    return dropOverridden({ ...merged, value, name, files: files.map(({ file }) => file.path) });
  }
  return { ...merged, value, name, files: files.map(({ file }) => file.path) };
}

interface Link {
  readonly file: FoundFile;
  readonly value: Tree;
}

/** The modules that make up a profile, lowest first. */
async function extendsChain(folders: readonly ConfigFolder[], name: string): Promise<Link[]> {
  const chain: Link[] = [];
  const seen: string[] = [];
  let next: string | undefined = name;
  while (next !== undefined) {
    if (seen.includes(next)) {
      throw new UsageError(`Profiles extend each other in a circle: ${[...seen, next].join(" -> ")}`, {
        hint: `Take \`extends\` out of one of them, such as profiles.d/${seen.at(-1)}.ts.`,
      });
    }
    const link: Link | undefined = await loadModule(folders, next, seen.at(-1));
    if (link === undefined) break;
    seen.push(next);
    chain.unshift(link);
    const base: unknown = link.value["extends"];
    if (base !== undefined && typeof base !== "string") {
      throw problemsError(
        [{ path: ["extends"], text: "must be the name of a profile" }],
        () => link.file.path,
      );
    }
    next = base ?? (seen.includes("default") ? undefined : "default");
  }
  return chain;
}

async function loadModule(
  folders: readonly ConfigFolder[],
  name: string,
  extendedBy: string | undefined,
): Promise<Link | undefined> {
  const file = await findProfile(folders, name);
  if (file === undefined) {
    // default.ts is there to be merged when somebody writes it; nobody has to.
    if (name === "default" && extendedBy !== undefined) return undefined;
    throw await unknownProfile(folders, name, extendedBy);
  }
  const value = await importDefault(file.path, profileForm);
  if (!isTree(value)) throw new UsageError(`${file.path}: the default export must be a profile object`);
  return { file, value };
}

/** The module file of a profile, nearest folder first. */
export async function findProfile(
  folders: readonly ConfigFolder[],
  name: string,
): Promise<FoundFile | undefined> {
  checkName(name, "profile name");
  const names = endings.map((ending) => name + ending);
  for (const each of folders.filter(isUsers)) {
    const found = await findFile([each], folder, names);
    if (found !== undefined) return found;
  }
  return undefined;
}

async function unknownProfile(
  folders: readonly ConfigFolder[],
  name: string,
  extendedBy: string | undefined,
): Promise<UsageError> {
  const where = extendedBy === undefined ? "" : ` (which ${extendedBy} extends)`;
  return new UsageError(`There is no profile ${name}${where}`, {
    hint: didYouMean(name, await listProfiles(folders), "Make a first configuration with: pim init"),
  });
}

/** Where a profile that is not there yet is written to: in the project, else among the user's own. */
export interface ProfilePlace {
  readonly path: string;
  /** The module that has this name there already. */
  readonly taken: string | undefined;
}

/** The place for a new profile. */
export async function newProfilePlace(
  folders: readonly ConfigFolder[],
  name: string,
): Promise<ProfilePlace> {
  checkName(name, "profile name");
  const nearest = folders.find(isUsers);
  if (nearest === undefined) {
    throw new UsageError("There is no configuration folder", { hint: "Make one with: pim init" });
  }
  const found = await findFile([nearest], folder, endings.map((ending) => name + ending));
  return { path: join(nearest.path, folder, `${name}.ts`), taken: found?.path };
}

function isUsers(each: ConfigFolder): boolean {
  return each.kind !== "built-in";
}

/** password and passwordHash are two forms of one thing: the one from the nearer file stays. */
function dropOverridden(profile: LoadedProfile): LoadedProfile {
  const rank = (key: string) => profile.files.indexOf(profile.sources.get(key) ?? "");
  const drop = rank("password") > rank("passwordHash") ? "passwordHash" : "password";
  const sources = new Map([...profile.sources].filter(([key]) => key !== drop));
  return { ...profile, value: { ...profile.value, [drop]: undefined }, sources };
}
