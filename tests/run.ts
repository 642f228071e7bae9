// deno-lint-ignore-file no-console -- a script that talks to whoever runs it
// `deno task test`: installs what the tests need, then runs all of them: the fast ones and those with real peers
// (tests/integration) in parallel, the end-to-end ones one after the other. Ends with "N passed, N failed", counted in the runner's own reports.
import { join } from "node:path";
import { formatError } from "../lib/cli/error_text.ts";
import { runInteractive } from "../lib/process.ts";
import { passedEnvironment } from "./demo/environment.ts";
import { agentFolder } from "./demo/cache.ts";
import { ensurePackages, testPackages, unpackPackage } from "./demo/packages.ts";

const root = join(import.meta.dirname ?? ".", "..");

interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that need something which this machine does not have; their names say what. */
  readonly skipped: number;
}

async function runTests(name: string, args: readonly string[], reportDir: string): Promise<Counts> {
  console.log(`\n== ${name}`);
  const report = join(reportDir, `${name.replaceAll(" ", "-")}.xml`);
  const argv = [Deno.execPath(), "test", "-A", "--quiet", `--junit-path=${report}`, ...args];
  // Tests wait more than they work: one more at a time than there are cores.
  const env = { DENO_JOBS: String(navigator.hardwareConcurrency + 1), ...passedEnvironment() };
  const status = await runInteractive(argv, { cwd: root, env });
  const counts = countReport(await Deno.readTextFile(report).catch(() => ""));
  // A runner that fails without a failed test (an import that does not resolve) must not look like a success.
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
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
  await ensurePackages(testPackages);
  await unpackPackage("qemu-guest-agent", agentFolder(Deno.env.toObject()));
  const reportDir = await Deno.makeTempDir({ prefix: "pim-tests-" });
  try {
    const fast = await runTests("fast tests and those with real peers", [
      "--parallel",
      "--ignore=tests/e2e",
      "tests",
    ], reportDir);
    const slow = await runTests("end-to-end tests", ["tests/e2e"], reportDir);
    const sum = (key: keyof Counts) => fast[key] + slow[key];
    console.log(`\n${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped`);
    return sum("failed") === 0 && slow.passed > 0 ? 0 : 1;
  } finally {
    await Deno.remove(reportDir, { recursive: true });
  }
}

if (import.meta.main) {
  try {
    Deno.exit(await main());
  } catch (error) {
    console.error(formatError(error, false));
    Deno.exit(1);
  }
}
