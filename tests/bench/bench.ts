// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task bench`: how fast pim is, beside what one would use without it, in one run on one machine. It measures and
// prints; whether the numbers are good enough is for people to say, so it fails only when something breaks.
import { parseArgs } from "node:util";
import { messageOf, UsageError } from "../../lib/errors.ts";
import { runScript } from "../../release/run_script.ts";
import { measureBuild } from "./build.ts";
import { measureDownloads } from "./downloads.ts";
import { formatFacts, machineFacts } from "./facts.ts";
import { measureHashing } from "./hashing.ts";
import { measureLayers } from "./layers.ts";
import { formatMeasurements, type Measurement, ratio } from "./measurement.ts";
import { measureOci } from "./oci.ts";
import { measureSsh } from "./ssh.ts";
import { measureStartup } from "./startup.ts";
import { measureVms } from "./vm.ts";

const usage =
  `deno task bench [--only start-up|hashing|downloads|oci|ssh|vm|build|layers] [--pairs N] [--json]

  --only NAME   one measurement only; build has pim's memory too, layers are beside packer
  --pairs N     builds with pim and with the other, in turns (default 1), and starts of a VM (3 at least); without KVM
                a build takes minutes
  --json        print JSON`;

type Measure = (pairs: number, say: (line: string) => void) => Promise<Measurement[]>;

// The short ones first: a mistake in the set-up shows before the builds begin.
const measures: ReadonlyMap<string, Measure> = new Map<string, Measure>([
  ["start-up", measureStartup],
  ["hashing", measureHashing],
  ["downloads", measureDownloads],
  ["oci", measureOci],
  ["ssh", measureSsh],
  ["vm", measureVms],
  ["build", measureBuild],
  ["layers", measureLayers],
]);

async function bench(args: readonly string[]): Promise<void> {
  const values = parse(args);
  if (values.help) return console.log(usage);
  const chosen = choose(values.only);
  const pairs = Number(values.pairs);
  if (!Number.isInteger(pairs) || pairs < 1) {
    throw new UsageError(`--pairs takes a whole number from 1, not ${values.pairs}`);
  }
  const say = (line: string) => console.error(line);
  const facts = await machineFacts();
  if (!values.json) console.log(`${formatFacts(facts)}\n`);
  const measurements: Measurement[] = [];
  for (const [name, measure] of chosen) {
    say(`measuring ${name}`);
    measurements.push(...await measure(pairs, say));
  }
  console.log(
    values.json
      ? JSON.stringify(
        { facts, measurements: measurements.map((each) => ({ ...each, ratio: ratio(each) })) },
        null,
        2,
      )
      : formatMeasurements(measurements),
  );
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: "string" },
        pairs: { type: "string", default: "1" },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (cause) {
    throw new UsageError(messageOf(cause), { hint: usage, cause });
  }
}

function choose(only: string | undefined): [string, Measure][] {
  const chosen = [...measures].filter(([name]) => only === undefined || name === only);
  if (chosen.length > 0) return chosen;
  throw new UsageError(`There is no measurement ${only}`, {
    hint: `There is: ${[...measures.keys()].join(", ")}`,
  });
}

if (import.meta.main) await runScript(() => bench(Deno.args));
