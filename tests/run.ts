// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task test`: installs what the tests need, then runs all of them in two lanes side by side, since whole builds
// leave a core idle: the builds in one; in the other the fast tests and those with real peers, then what becomes of an
// image. What has failed beside others is run once more by itself, and that is said: a mistake fails again, a test that
// only wanted for time does not.
// Ends with "N passed, N failed", counted in the runner's own reports.
import { join } from "node:path";
import { start } from "../lib/process.ts";
import { tempDir } from "./base/temp.ts";
import { runScript } from "../release/run_script.ts";
import { passedEnvironment } from "./demo/environment.ts";
import { type Counts, readReport } from "./junit.ts";
import { prepareTests } from "./prepare.ts";

const root = join(import.meta.dirname ?? ".", "..");

/** Tests that one runner runs. */
interface Part {
  readonly name: string;
  readonly args: readonly string[];
}

/** The lanes run side by side, the parts of each one after the other. */
const lanes: readonly (readonly Part[])[] = [
  [{ name: "builds", args: ["tests/e2e/build"] }],
  [
    { name: "fast", args: ["--parallel", "--ignore=tests/e2e", "tests"] },
    { name: "images", args: ["--ignore=tests/e2e/build", "tests/e2e"] },
  ],
];

/** What a part has come to. */
interface Outcome {
  readonly name: string;
  /** Its files, and how many of their tests came out how. */
  readonly files: ReadonlyMap<string, Counts>;
  /** Whether the runner has failed without a failed test, as it does when an import does not resolve. */
  readonly broken: boolean;
}

async function runLane(parts: readonly Part[], reportDir: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const part of parts) outcomes.push(await runPart(part, reportDir));
  return outcomes;
}

async function runPart({ name, args }: Part, reportDir: string): Promise<Outcome> {
  const report = join(reportDir, `${name}.xml`);
  const argv = [Deno.execPath(), "test", "-A", "--quiet", `--junit-path=${report}`, ...args];
  // Tests wait more than they work: one more at a time than there are cores.
  const env = { DENO_JOBS: String(navigator.hardwareConcurrency + 1), ...passedEnvironment() };
  const say = (line: string) => console.log(`${name.padEnd(6)} | ${line}`);
  const runner = start(argv, { cwd: root, env, onStdout: say });
  const { code } = await runner.ended;
  if (code !== 0) runner.stderr().trimEnd().split("\n").forEach(say);
  const files = readReport(await Deno.readTextFile(report).catch(() => ""));
  return { name, files, broken: files.size === 0 || code !== 0 && failedFiles(files).length === 0 };
}

function failedFiles(files: ReadonlyMap<string, Counts>): string[] {
  return [...files].filter(([, { failed }]) => failed > 0).map(([file]) => file);
}

// More of them are no want of time.
const mostAgain = 5;

/** Runs files again that have failed, if they are few; returns what counts of all files. */
async function runAgain(
  files: ReadonlyMap<string, Counts>,
  reportDir: string,
): Promise<ReadonlyMap<string, Counts>> {
  const failed = failedFiles(files);
  if (failed.length === 0 || failed.length > mostAgain) return files;
  console.log(`\nOnce more, by themselves: ${failed.join(" ")}`);
  const again = await runPart({ name: "again", args: failed }, reportDir);
  if (again.broken) return files;
  for (const file of failed) {
    if (again.files.get(file)?.failed === 0) console.log(`${file} has passed only by itself: it wants time.`);
  }
  return new Map([...files, ...again.files]);
}

async function main(): Promise<number> {
  await prepareTests();
  await using temp = await tempDir();
  const outcomes = (await Promise.all(lanes.map((parts) => runLane(parts, temp.path)))).flat();
  const broken = outcomes.filter((each) => each.broken);
  for (const { name } of broken) console.log(`The tests of the part "${name}" could not all be run.`);
  const files = await runAgain(new Map(outcomes.flatMap((each) => [...each.files])), temp.path);
  const sum = (key: keyof Counts) => [...files.values()].reduce((total, counts) => total + counts[key], 0);
  const failed = sum("failed") + broken.length;
  console.log(`\n${sum("passed")} passed, ${failed} failed, ${sum("skipped")} skipped`);
  return failed === 0 ? 0 : 1;
}

if (import.meta.main) await runScript(main);
