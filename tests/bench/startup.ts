import { join } from "node:path";
import { exists } from "../../lib/files.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "../base/temp.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { pimCommand, pimEnvironment, runPim } from "./pim_command.ts";

const rounds = 31;

/** The binary of `deno task compile`, measured where there is one. */
const binary = join(import.meta.dirname ?? ".", "../../dist/pim");

/** Start-up of `pim --version` and `pim profile list` over that of an empty program, run in the same way. */
export async function measureStartup(): Promise<Measurement[]> {
  await using temp = await tempDir();
  const home = temp.path;
  const empty = join(home, "empty.ts");
  await Deno.writeTextFile(empty, "");
  await runPim(home, ["init"]);
  const commands = [
    pimCommand(empty),
    [...pimCommand(), "--version"],
    [...pimCommand(), "profile", "list"],
  ];
  const env = pimEnvironment(home);
  const compiled = await exists(binary);
  if (compiled) commands.push([binary, "--version"]);
  const timers = commands.map((argv) => () => timeMs(() => run(argv, { cwd: home, env })));
  // Deno's caches are filled by the first run.
  await interleave(2, timers);
  const [program = 0, version = 0, list = 0, ofBinary = 0] = (await interleave(rounds, timers)).map(median);
  const common = {
    unit: "ms",
    baseline: { name: "empty Deno program", value: program },
    runs: rounds,
  } as const;
  return [
    { name: "version", what: "start-up of pim --version", pim: version, aim: 1.8, ...common },
    { name: "profile-list", what: "start-up of pim profile list", pim: list, aim: 4, ...common },
    ...(compiled
      ? [{
        name: "binary",
        what: "start-up of dist/pim --version",
        pim: ofBinary,
        aim: 1,
        ...common,
        baseline: { name: "deno run main.ts --version", value: version },
      }]
      : []),
  ];
}
