import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type TempDir, tempDir } from "../base/temp.ts";

const mainFile = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How a pim that a test started came to its end. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A user with folders of their own, who types pim commands. */
export interface User extends TempDir {
  /** argv that starts pim. */
  readonly argv: readonly string[];
  /** The whole environment that it is started in. */
  readonly env: Readonly<Record<string, string>>;
  /** Runs pim in the folder `work` and waits for its end. */
  pim(...args: string[]): Promise<Outcome>;
  /** Runs any program as this user. */
  run(argv: readonly string[], options?: { cwd?: string; env?: Record<string, string> }): Promise<Outcome>;
}

/** Makes a user whose folders are config/, data/, cache/, run/ and, to work in, work/. */
export async function newUser(files: Readonly<Record<string, string>> = {}): Promise<User> {
  const dir = await tempDir({ "work/.keep": "", ...files });
  const at = (name: string) => join(dir.path, name);
  const env: Record<string, string> = {
    PATH: Deno.env.get("PATH") ?? "",
    HOME: at("."),
    XDG_CONFIG_HOME: at("config"),
    XDG_DATA_HOME: at("data"),
    XDG_CACHE_HOME: at("cache"),
    XDG_RUNTIME_DIR: at("run"),
    // Deno's own cache is not the user's.
    DENO_DIR: await denoDir(),
    DENO_NO_UPDATE_CHECK: "1",
  };
  const argv = [Deno.execPath(), "run", "-A", "--quiet", "--no-check", mainFile];
  const run: User["run"] = async ([program = "", ...args], options = {}) => {
    const command = new Deno.Command(program, {
      args,
      clearEnv: true,
      env: { ...env, ...options.env },
      cwd: options.cwd ?? at("work"),
    });
    const { code, stdout, stderr } = await command.output();
    return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
  };
  return { ...dir, argv, env, run, pim: (...args) => run([...argv, ...args]) };
}

let knownDenoDir: Promise<string> | undefined;

/** Where Deno keeps what it has downloaded, for users with a home of their own. */
export function denoDir(): Promise<string> {
  knownDenoDir ??= new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output()
    .then(({ stdout }) => JSON.parse(new TextDecoder().decode(stdout)).denoDir as string);
  return knownDenoDir;
}
