// `deno task test:prepare`: installs what the tests need, those of `deno task ok` too. `deno task test` begins with it.
import { runScript } from "../release/run_script.ts";
import { agentFolder } from "./demo/cache.ts";
import { ensurePackages, testPackages, unpackPackage } from "./demo/packages.ts";

/** Installs with apt what the tests need and this machine does not have. */
export async function prepareTests(): Promise<void> {
  await ensurePackages(testPackages);
  await unpackPackage("qemu-guest-agent", agentFolder(Deno.env.toObject()));
}

if (import.meta.main) await runScript(prepareTests);
