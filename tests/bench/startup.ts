import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { pimCommand, pimEnvironment, runPim } from "./pim_command.ts";

const rounds = 31;

/** Start-up of `pim --version` and `pim profile list` over that of an empty program, run in the same way. */
export async function measureStartup(): Promise<Measurement[]> {
  const home = await Deno.makeTempDir({ prefix: "pim-bench-" });
  try {
    const empty = join(home, "empty.ts");
    await Deno.writeTextFile(empty, "");
    await runPim(home, ["init"]);
    const commands = [
      pimCommand(empty),
      [...pimCommand(), "--version"],
      [...pimCommand(), "profile", "list"],
    ];
    const env = pimEnvironment(home);
    const timers = commands.map((argv) => () => timeMs(() => run(argv, { cwd: home, env })));
    // Deno's caches are filled by the first run.
    await interleave(2, timers);
    const [program = 0, version = 0, list = 0] = (await interleave(rounds, timers)).map(median);
    const common = {
      unit: "ms",
      baseline: { name: "empty Deno program", value: program },
      runs: rounds,
    } as const;
    return [
      { name: "version", what: "start-up of pim --version", pim: version, aim: 1.8, ...common },
      { name: "profile-list", what: "start-up of pim profile list", pim: list, aim: 4, ...common },
    ];
  } finally {
    await Deno.remove(home, { recursive: true });
  }
}
