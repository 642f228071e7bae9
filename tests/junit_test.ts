import { deepStrictEqual } from "node:assert/strict";
import { readReport } from "./junit.ts";

Deno.test("what the runner skipped counts neither as passed nor as failed, in each file", () => {
  const report = `<testsuites name="deno test" tests="6" failures="1" errors="1" time="2.3">
    <testsuite name="./tests/a_test.ts" tests="5" disabled="1" errors="1" failures="1">
      <testcase name="a &gt; step"><failure message="1 &lt; 2">AssertionError</failure></testcase>
      <testcase name="b"><skipped/></testcase>
    </testsuite>
    <testsuite name="./tests/b_test.ts" tests="1" disabled="0" errors="0" failures="0">
      <testcase name="c"></testcase>
    </testsuite>
  </testsuites>`;
  deepStrictEqual([...readReport(report)], [
    ["./tests/a_test.ts", { passed: 2, failed: 2, skipped: 1 }],
    ["./tests/b_test.ts", { passed: 1, failed: 0, skipped: 0 }],
  ]);
});

Deno.test("a report that is missing counts nothing", () => {
  deepStrictEqual(readReport("").size, 0);
});
