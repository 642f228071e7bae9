/** How many tests of a file, their steps among them, came out how. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  /** Tests that need something which this machine does not have; their names say what. */
  readonly skipped: number;
}

/** What a JUnit report of `deno test` says of each file. */
export function readReport(xml: string): Map<string, Counts> {
  const files = new Map<string, Counts>();
  for (const [, head = "", body = ""] of xml.matchAll(/<testsuite ([^>]*)>(.*?)<\/testsuite>/gs)) {
    const number = (attribute: string) => Number(new RegExp(`\\b${attribute}="(\\d+)"`).exec(head)?.[1] ?? 0);
    const failed = number("failures") + number("errors");
    const skipped = body.match(/<skipped/g)?.length ?? 0;
    const name = /\bname="([^"]*)"/.exec(head)?.[1] ?? "";
    files.set(name, { passed: number("tests") - failed - skipped, failed, skipped });
  }
  return files;
}
