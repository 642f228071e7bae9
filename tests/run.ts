// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task test`: installs what the tests need, then runs all of them in two lanes side by side, since whole builds
// leave a core idle: the builds in one; in the other the fast tests and those with real peers, then what becomes of an
// image.
// Ends with "N passed, N failed", counted in the runner's own reports.
import { join } from "node:path";
import { start } from "../lib/process.ts";
import { tempDir } from "./base/temp.ts";
import { runScript } from "../release/run_script.ts";
import { passedEnvironment } from "./demo/environment.ts";
import { prepareTests } from "./prepare.ts";

const root = join(import.meta.dirname ?? ".", "..");

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that need something which this machine does not have; their names say what. */
  readonly skipped: number;
}

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

async function runLane(parts: readonly Part[], reportDir: string): Promise<Counts[]> {
  const counts: Counts[] = [];
  for (const part of parts) counts.push(await runPart(part, reportDir));
  return counts;
}

async function runPart({ name, args }: Part, reportDir: string): Promise<Counts> {
  const report = join(reportDir, `${name}.xml`);
  const argv = [Deno.execPath(), "test", "-A", "--quiet", `--junit-path=${report}`, ...args];
  // Tests wait more than they work: one more at a time than there are cores.
  const env = { DENO_JOBS: String(navigator.hardwareConcurrency + 1), ...passedEnvironment() };
  const say = (line: string) => console.log(`${name.padEnd(6)} | ${line}`);
  const runner = start(argv, { cwd: root, env, onStdout: say });
  const { code } = await runner.ended;
  if (code !== 0) runner.stderr().trimEnd().split("\n").forEach(say);
  const counts = countReport(await Deno.readTextFile(report).catch(() => ""));
  // A runner that fails without a failed test (an import that does not resolve) must not look like a success.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** What a JUnit report says of its tests, their steps among them. */
export function countReport(xml: string): Counts {
  const head = /<testsuites[^>]*>/.exec(xml)?.[0] ?? "";
  const number = (attribute: string) => Number(new RegExp(`${attribute}="(\\d+)"`).exec(head)?.[1] ?? 0);
  const failed = number("failures") + number("errors");
  const skipped = xml.match(/<skipped/g)?.length ?? 0;
  return { passed: number("tests") - failed - skipped, failed, skipped };
}

async function main(): Promise<number> {
  await prepareTests();
  await using temp = await tempDir();
  const reportDir = temp.path;
  const counts = (await Promise.all(lanes.map((parts) => runLane(parts, reportDir)))).flat();
  const sum = (key: keyof Counts) => counts.reduce((total, each) => total + each[key], 0);
  console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
  return sum("failed") === 0 && counts.every(({ passed }) => passed > 0) ? 0 : 1;
}

if (import.meta.main) await runScript(main);
