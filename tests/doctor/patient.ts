import { join } from "node:path";
import { loadConfig } from "../../lib/config/config.ts";
import type { DoctorContext } from "../../lib/doctor/finding.ts";
import { type TempDir, tempDir } from "../base/temp.ts";

/** A user whose host is looked at: with folders of their own, below one that goes away. */
export interface Patient extends TempDir {
  readonly context: DoctorContext;
}

/** Makes a user with these files; their folders are config/pim, data/pim, cache/pim and run/pim. */
export async function patient(
  files: Readonly<Record<string, string>> = {},
  variables: Readonly<Record<string, string>> = {},
): Promise<Patient> {
  const dir = await tempDir(files);
  const at = (name: string) => join(dir.path, name);
  const values: Readonly<Record<string, string>> = {
    HOME: dir.path,
    XDG_CONFIG_HOME: at("config"),
    XDG_DATA_HOME: at("data"),
    XDG_CACHE_HOME: at("cache"),
    XDG_RUNTIME_DIR: at("run"),
    ...variables,
  };
  const env = { get: (name: string) => values[name] };
  const { signal } = new AbortController();
  return {
    ...dir,
    context: { env, signal, offline: false, config: () => loadConfig({ cwd: dir.path, env }) },
  };
}
