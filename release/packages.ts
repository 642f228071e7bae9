import { join } from "node:path";
import * as v from "valibot";
import { deno } from "./deno.ts";

/** A package of npm that is in the binary. */
export interface Package {
  readonly name: string;
  readonly version: string;
  /** As npm writes it: `sha512-` and the digest in base64. */
  readonly integrity: string;
}

const lockSchema = v.object({
  version: v.literal("5"),
  specifiers: v.record(v.string(), v.string()),
  npm: v.record(
    v.string(),
    v.object({
      integrity: v.string(),
      dependencies: v.optional(v.array(v.string()), []),
      optionalPeers: v.optional(v.array(v.string()), []),
    }),
  ),
});

type Lock = v.InferOutput<typeof lockSchema>;

/**
 * The packages that pim needs when it runs, as deno.lock has them, sorted: what main.ts reaches. Left out are types,
 * optional peers (valibot names the TypeScript compiler) and optional dependencies (native add-ons of ssh2, which does
 * without them).
 *
 * @param root the folder of main.ts, deno.json and deno.lock
 */
export async function packagesOfBinary(root: string): Promise<Package[]> {
  const lock = v.parse(lockSchema, JSON.parse(await Deno.readTextFile(join(root, "deno.lock"))));
  const found = new Map<string, Package>();
  const visit = (key: string) => {
    const entry = lock.npm[key];
    if (entry === undefined) throw new Error(`deno.lock does not have ${key}`);
    if (found.has(key)) return;
    found.set(key, { ...nameAndVersion(key), integrity: entry.integrity });
    for (const dependency of entry.dependencies) {
      if (!entry.optionalPeers.includes(dependency)) visit(keyOf(lock, dependency));
    }
  };
  for (const name of await importedPackages(root)) {
    visit(name.replace(/[^@]+$/, lock.specifiers[`npm:${name}`] ?? ""));
  }
  return [...found.values()].sort((a, b) => a.name < b.name ? -1 : 1);
}

/** What main.ts imports from npm, at once or later, as `name@version`. */
async function importedPackages(root: string): Promise<string[]> {
  const { stdout } = await deno(["info", "--json", "main.ts"], root);
  const { modules } = v.parse(
    v.object({ modules: v.array(v.object({ specifier: v.string() })) }),
    JSON.parse(stdout),
  );
  const names = modules.map(({ specifier }) =>
    /^npm:\/?((?:@[^/]+\/)?[^/@]+@[^/]+)/.exec(specifier)?.[1] ?? ""
  );
  return [...new Set(names)].filter((name) => name !== "" && !name.startsWith("@types/"));
}

/** The key in the lock of a dependency, which names the version only where there are several. */
function keyOf(lock: Lock, dependency: string): string {
  if (dependency in lock.npm) return dependency;
  const keys = Object.keys(lock.npm).filter((key) => key.startsWith(`${dependency}@`));
  if (keys.length !== 1) throw new Error(`deno.lock has ${keys.length} packages for ${dependency}`);
  return keys[0] as string;
}

/** Of a key such as `valibot@1.5.0_typescript@5.9.3`; what follows the underscore are peers. */
function nameAndVersion(key: string): { readonly name: string; readonly version: string } {
  const [, name = "", version = ""] = /^(@?[^@]+)@([^_]+)/.exec(key) ?? [];
  return { name, version };
}
