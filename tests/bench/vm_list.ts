import { join } from "node:path";
import { run } from "../../lib/process.ts";
import { smallVms } from "../vm/small_vms.ts";
import { interleave, type Measurement, median, timeMs } from "./measurement.ts";
import { pimCommand, pimEnvironment } from "./pim_command.ts";

const rounds = 31;
const count = 20;

/** `pim ps` with 20 VMs over an empty program, run in the same way. */
export async function measureList(say: (line: string) => void): Promise<Measurement> {
  await using vms = await smallVms();
  say(`starting ${count} small VMs`);
  for (let number = 1; number <= count; number++) await vms.run(`small-${number}`);
  const empty = join(vms.dir, "empty.ts");
  await Deno.writeTextFile(empty, "");
  const env = { ...pimEnvironment(vms.dir), ...vms.env };
  const commands = [pimCommand(empty), [...pimCommand(), "ps"]];
  const timers = commands.map((argv) => () => timeMs(() => run(argv, { cwd: vms.dir, env })));
  const { stdout } = await run([...pimCommand(), "ps", "--json"], { cwd: vms.dir, env });
  const listed = JSON.parse(stdout).length;
  if (listed !== count) throw new Error(`pim ps lists ${listed} VMs of ${count}`);
  // Deno's caches are filled by the first run.
  await interleave(2, timers);
  const [program = 0, list = 0] = (await interleave(rounds, timers)).map(median);
  return {
    name: "ps",
    what: `pim ps with ${count} VMs`,
    unit: "ms",
    pim: list,
    baseline: { name: "empty Deno program", value: program },
    aim: 150,
    aimOf: "difference",
    runs: rounds,
  };
}
