import { join } from "node:path";
import * as v from "valibot";
import { parseMemoryMiB } from "../memory.ts";
import type { Environment, Paths } from "../paths.ts";
import { nearest } from "../suggest.ts";
import type { Layer, Tree } from "./merge.ts";

const size = v.pipe(
  v.union([v.string(), v.number()], "a size such as 20G"),
  v.transform(String),
  v.regex(/^\d+(\.\d+)?\s*([KMGT](i?B)?|B)?$/i, "a size such as 20G or 512M"),
);
const rate = v.pipe(
  v.union([v.string(), v.number()], "bytes per second such as 10M"),
  v.transform(String),
  v.regex(
    /^\d+(\.\d+)?\s*[KMGT](i?B)?(\/s)?$|^\d{4,}$/i,
    "bytes per second such as 10M or 500K, 1K at least",
  ),
);
const memory = v.pipe(
  v.union([v.string(), v.number()], "an amount of memory in MiB, such as 2048, or 4G"),
  // What cannot be read comes back as it is, for the message.
  v.transform((value) => parseMemoryMiB(String(value)) ?? String(value)),
  v.number("an amount of memory in MiB, such as 2048, or 4G"),
  v.integer("a whole number of MiB"),
  v.minValue(64, "64 MiB or more"),
);
const count = v.pipe(
  v.union([v.string(), v.number()], "a whole number"),
  // Variables of the environment are text; what is no number comes back as it is, for the message.
  v.transform((value) => /^-?\d+$/.test(String(value).trim()) ? Number(value) : value),
  v.number("a whole number"),
  v.integer("a whole number"),
);
const flag = v.pipe(
  v.union([v.boolean(), v.picklist(["true", "false"])], "true or false"),
  // Variables of the environment are text.
  v.transform((value) => value === true || value === "true"),
);
const port = v.pipe(count, v.minValue(0, "a port"), v.maxValue(65535, "a port"));
const text = v.string();
const anyMap = v.record(v.string(), v.unknown());

/** The shape of pim.yml. Keys are those of the earlier pim, with `serve` added. */
export const settingsSchema = v.strictObject({
  iso: v.strictObject({
    iso_dir: text,
    connections: v.pipe(count, v.minValue(1, "1 or more"), v.maxValue(16, "16 or less")),
    stall_timeout: v.pipe(count, v.minValue(1, "1 second or more")),
    rate_limit: v.optional(rate),
  }),
  build: v.strictObject({
    image_dir: text,
    disk_size: size,
    memory,
    cpus: v.pipe(count, v.minValue(1, "1 or more")),
    on_error: v.picklist(["cleanup", "keep", "ask"]),
    compression: v.picklist(["zstd", "zlib", "none"]),
    verify: flag,
    warm: flag,
    warm_size: size,
    layers_size: size,
    ssh: v.strictObject({
      user: v.optional(text),
      timeout: v.pipe(count, v.minValue(1, "1 second or more")),
      port,
    }),
    builders: v.optional(anyMap),
    remotes: v.optional(anyMap),
  }),
  serve: v.strictObject({ bind: text, port }),
  ventoy: v.strictObject({
    version: v.optional(v.pipe(v.union([text, v.number()]), v.transform(String))),
    dir: v.optional(text),
    file: v.optional(text),
    url: v.optional(text),
    checksum: v.optional(text),
    device: v.optional(text),
  }),
});

/** pim.yml, merged and checked; keys are as in the file. */
export type Settings = v.InferOutput<typeof settingsSchema>;

/** Settings whose value is a path: relative ones are relative to the pim.yml that names them. */
export const pathSettings: readonly (readonly string[])[] = [
  ["iso", "iso_dir"],
  ["build", "image_dir"],
];

/** The lowest layer of pim.yml. */
export function builtInSettings(paths: Paths): Layer {
  return {
    source: "built-in",
    value: {
      iso: { iso_dir: join(paths.cacheDir, "isos"), connections: 4, stall_timeout: 30 },
      build: {
        image_dir: join(paths.dataDir, "images"),
        disk_size: "20G",
        memory: 2048,
        cpus: 2,
        on_error: "cleanup",
        compression: "zstd",
        verify: false,
        warm: true,
        warm_size: "4G",
        layers_size: "40G",
        ssh: { timeout: 600, port: 0 },
      },
      serve: { bind: "127.0.0.1", port: 8080 },
      ventoy: {},
    },
  };
}

/** All settings that are single values, as paths of keys. */
export function settingKeys(): string[][] {
  return walk(settingsSchema.entries, []);
}

function walk(entries: Readonly<Record<string, v.GenericSchema>>, prefix: readonly string[]): string[][] {
  return Object.entries(entries).flatMap(([key, schema]) => {
    const inner = (schema as { entries?: Readonly<Record<string, v.GenericSchema>> }).entries;
    return inner === undefined ? [[...prefix, key]] : walk(inner, [...prefix, key]);
  });
}

/** The variable that overrides a setting: build.ssh.port -> PIM_BUILD_SSH_PORT. */
export function environmentName(path: readonly string[]): string {
  return `PIM_${path.join("_").toUpperCase()}`;
}

/** One layer for each variable that is set. */
export function environmentLayers(env: Environment): Layer[] {
  return settingKeys().flatMap((path) => {
    const name = environmentName(path);
    const value = env.get(name);
    if (value === undefined || value === "") return [];
    return [{
      source: name,
      value: path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value) as Tree,
    }];
  });
}

/** A problem with each variable that is named like a setting and is none. */
export function misspeltVariables(env: Environment): string[] {
  const known = settingKeys().map(environmentName);
  // PIM_CACHE_DIR and the like are no settings; what is set by others (PIM_PROFILE in a guest) is not ours to judge.
  const groups = Object.keys(settingsSchema.entries).map((group) => environmentName([group, ""]));
  return Object.keys(env.toObject?.() ?? {})
    .filter((name) => groups.some((group) => name.startsWith(group)) && !known.includes(name))
    .map((name) => {
      const near = nearest(name, known);
      return `The variable ${name} is no setting. ` +
        (near === undefined ? "See all of them with: pim config show" : `Did you mean ${near}?`);
    });
}
