import { UsageError } from "../errors.ts";
import { missingFile } from "../missing_file.ts";
import { readTextIfThere } from "../files.ts";
import { isTree, type Tree, withoutNulls } from "../config/merge.ts";
import { validate } from "../config/validate.ts";
import { parseYaml } from "../config/yaml.ts";
import { checkName } from "../paths.ts";
import { profileSchema } from "./schema.ts";
import type { Profile, Var } from "./types.ts";

/** Profiles of the earlier pim as ours, and what a person should look at. */
export interface ImportedProfiles {
  readonly profiles: readonly { readonly name: string; readonly profile: Profile }[];
  readonly notes: readonly string[];
}

// Names that differ by more than snake_case.
const renamed: Record<string, string> = {
  ssh_authorized_keys: "sshAuthorizedKeys",
  authorized_keys: "sshAuthorizedKeys",
  ssh_keys: "sshAuthorizedKeys",
  full_name: "fullname",
  user: "username",
  mirror_directory: "mirrorPath",
  proxy: "httpProxy",
  partitioning_method: "partitioning.method",
  partitioning_recipe: "partitioning.recipe",
  disk_size: "build.diskSize",
  memory: "build.memoryMiB",
  cpus: "build.cpus",
};

const lists = new Set(["packages", "tasksel", "scripts", "sshAuthorizedKeys", "architectures"]);

/** Reads a YAML file of the earlier pim: a map of profile name -> snake_case values. What pim does not know goes to `vars`. */
export async function importRubyProfiles(file: string): Promise<ImportedProfiles> {
  const text = await readTextIfThere(file);
  if (text === undefined) throw await missingFile(file);
  const document = parseYaml(text, file);
  if (!isTree(document.value)) throw new UsageError(`${file} must be a map of profile name -> values`);
  const notes: string[] = [];
  const profiles = Object.entries(document.value).map(([name, values]) => {
    if (!isTree(values ?? {})) {
      throw new UsageError(`${file}:${document.lineOf([name])}: ${name} must be a map`);
    }
    checkName(name, "profile name");
    const { converted, origins } = convert(
      withoutNulls(values ?? {}) as Tree,
      (note) => notes.push(`${name}: ${note}`),
    );
    const profile = validate(profileSchema, converted, (path) => {
      const key = origins.get(path.slice(0, 2).join(".")) ?? origins.get(path[0] ?? "") ?? "";
      return `${file}:${document.lineOf([name, key]) ?? 1} (${name})`;
    });
    return { name, profile };
  });
  return { profiles, notes };
}

interface Converted {
  readonly converted: Tree;
  /** Dotted field of ours -> the key that it was. */
  readonly origins: ReadonlyMap<string, string>;
}

function convert(values: Tree, note: (text: string) => void): Converted {
  const known = new Set(Object.keys(profileSchema.entries));
  const result: Record<string, unknown> = {};
  const vars: Record<string, Var> = {};
  const origins = new Map<string, string>();
  for (const [key, value] of Object.entries(values)) {
    const target = renamed[key] ?? key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    origins.set(target, key);
    const [head, tail] = target.split(".");
    if (head !== undefined && tail !== undefined) {
      result[head] = { ...(result[head] as object | undefined), [tail]: value };
    } else if (target === "partitioning" && typeof value === "string") {
      result.partitioning = { ...(result.partitioning as object | undefined), recipe: value };
    } else if (known.has(target)) {
      result[target] = lists.has(target) ? asList(value) : value;
    } else {
      vars[key] = value as Var;
      note(`${key} is not a field of a profile; it is now vars.${key}, as templates see it: it.vars.${key}`);
    }
  }
  return { converted: Object.keys(vars).length > 0 ? { ...result, vars } : result, origins };
}

/** The earlier pim wrote lists as text with blanks or commas between. */
function asList(value: unknown): unknown {
  return typeof value === "string" ? value.split(/[\s,]+/).filter((word) => word !== "") : value;
}
