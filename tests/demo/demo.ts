// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task demo`: makes the demo ISO, builds an image from it with pim, starts that image and says how to reach it.
import { join } from "node:path";
import { PimError } from "../../lib/errors.ts";
import { runInteractive } from "../../lib/process.ts";
import { runScript } from "../../release/run_script.ts";
import { demoUser } from "./boot.ts";
import { demoCacheFolder } from "./cache.ts";
import { passedEnvironment } from "./environment.ts";
import { demoIso } from "./make_iso.ts";
import { demoPackages, ensurePackages } from "./packages.ts";
import { writeDemoProject } from "./project.ts";

const vmName = "demo-once";
const mainModule = join(import.meta.dirname ?? ".", "../../main.ts");

async function demo(): Promise<void> {
  const say = (line: string) => console.log(`\n== ${line}`);
  say("Installing what is missing");
  await ensurePackages(demoPackages);
  say("Making the demo installer ISO (a real Debian installer; two minutes the first time)");
  const iso = await demoIso({ onProgress: (line) => console.log(line) });
  const home = demoCacheFolder(Deno.env.toObject());
  const project = join(home, "project");
  await writeDemoProject(project, iso);
  const env = {
    PIM_PROJECT: project,
    PIM_CONFIG_DIR: join(home, "config"),
    PIM_DATA_DIR: join(home, "data"),
    PIM_CACHE_DIR: join(home, "cache"),
  };
  const pim = async (...args: readonly string[]) => {
    say(`pim ${args.join(" ")}`);
    const argv = [Deno.execPath(), "run", "-A", mainModule, ...args];
    const status = await runInteractive(argv, { env: { ...passedEnvironment(), ...env } });
    if (status !== 0) throw new PimError(`pim ${args[0]} ended with ${status}`);
  };
  await pim("build", "run", "demo");
  // A VM of an earlier demo would go on from its own disk.
  await pim("run", "demo", "--name", vmName, "--disk", "snapshot", "--wait", "ssh");
  try {
    await pim("ps");
    await pim("ip", vmName, "--wait");
    await pim("os", vmName);
  } finally {
    await pim("stop", vmName);
  }
  say(
    `Done. To go on with this image (its user is ${demoUser.username}, the password ${demoUser.password}):`,
  );
  console.log(`export ${Object.entries(env).map(([name, value]) => `${name}=${value}`).join(" ")}`);
  console.log(`Remove ${home} to be rid of it.`);
}

if (import.meta.main) await runScript(demo);
