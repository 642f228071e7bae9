import { basename, dirname, join } from "node:path";
import { dump } from "js-yaml";
import { isTree } from "../config/merge.ts";
import { validate } from "../config/validate.ts";
import { parseYaml } from "../config/yaml.ts";
import { UsageError } from "../errors.ts";
import { readTextIfThere, writeFileAtomic } from "../files.ts";
import { compactTime } from "./time.ts";
import { type DiskRegistry, registrySchema } from "./entry.ts";

const header = "# Which images pim has built. Written by pim; edit it only while no build is running.\n";

/** Reads and checks registry.yml; no file is an empty registry. Throws UsageError naming file, line and field. */
export async function readRegistryFile(path: string): Promise<DiskRegistry> {
  const text = await readTextIfThere(path);
  if (text === undefined) return { version: 1, images: {}, deployments: {} };
  try {
    return parse(text, path);
  } catch (error) {
    throw damaged(error, path, `Repair it at the place named, or move it away: mv ${path} ${path}.old`);
  }
}

/** Like {@linkcode readRegistryFile}, but keeps a copy of a damaged file before it throws, and names that copy. */
export async function readRegistryForUpdate(path: string): Promise<DiskRegistry> {
  const text = await readTextIfThere(path);
  if (text === undefined) return { version: 1, images: {}, deployments: {} };
  try {
    return parse(text, path);
  } catch (error) {
    const copy = await keepCopy(text, path);
    throw damaged(
      error,
      path,
      `Nothing was changed, and a copy is in ${copy}. Repair ${path} at the place named, or move it away to ` +
        "begin a new one; image files are not touched, and `pim build list` shows those that are in no registry.",
    );
  }
}

/** Replaces registry.yml as a whole. */
export async function writeRegistryFile(path: string, registry: DiskRegistry): Promise<void> {
  // Aliases would make entries depend on each other.
  await writeFileAtomic(path, header + dump(registry, { noRefs: true, lineWidth: -1 }));
}

function parse(text: string, path: string): DiskRegistry {
  const document = parseYaml(text, path);
  if (!isTree(document.value)) throw new UsageError(`${path} must be a map with "version" and "images"`);
  return validate(registrySchema, document.value, (key) => `${path}:${document.lineOf(key) ?? 1}`);
}

function damaged(error: unknown, path: string, hint: string): unknown {
  if (!(error instanceof UsageError)) return error;
  return new UsageError(`The image registry ${path} is damaged:\n${error.message}`, { hint, cause: error });
}

/** Copies a damaged registry beside itself, once for each content, and returns the path of the copy. */
async function keepCopy(text: string, path: string): Promise<string> {
  const prefix = `${basename(path)}.damaged-`;
  for await (const { name } of Deno.readDir(dirname(path))) {
    const copy = join(dirname(path), name);
    if (name.startsWith(prefix) && await readTextIfThere(copy) === text) return copy;
  }
  const copy = join(dirname(path), `${prefix}${compactTime(new Date())}`);
  await writeFileAtomic(copy, text);
  return copy;
}
