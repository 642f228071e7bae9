import { deepStrictEqual } from "node:assert/strict";
import { countReport } from "./run.ts";

Deno.test("what the runner skipped counts neither as passed nor as failed", () => {
  const report = `<testsuites name="deno test" tests="5" failures="1" errors="1" time="2.3">
    <testcase name="a"></testcase>
    <testcase name="b"><skipped/></testcase>
  </testsuites>`;
  deepStrictEqual(countReport(report), { passed: 2, failed: 2, skipped: 1 });
});

Deno.test("a report that is missing counts nothing", () => {
  deepStrictEqual(countReport(""), { passed: 0, failed: 0, skipped: 0 });
});
