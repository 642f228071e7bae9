import assert from "node:assert/strict";
import { configureLog, hideSecret, log, type LogLevel, redact } from "../../lib/log.ts";

function linesAt(level: LogLevel): string[] {
  const lines: string[] = [];
  configureLog({ level, write: (line) => lines.push(line) });
  log.debug("detail");
  log.info("progress");
  log.warn("careful");
  configureLog({ level: "info" });
  return lines;
}

Deno.test("quiet shows warnings only, info adds progress, debug shows all", () => {
  assert.deepEqual(linesAt("quiet"), ["warning: careful"]);
  assert.deepEqual(linesAt("info"), ["progress", "warning: careful"]);
  assert.deepEqual(linesAt("debug"), ["detail", "progress", "warning: careful"]);
});

Deno.test("a secret is hidden wherever it stands, also when another secret begins like it", () => {
  hideSecret("hunter");
  hideSecret("hunter2-long");
  assert.equal(redact("a hunter2-long, a hunter, hunterhunter"), "a ***, a ***, ******");
});

Deno.test("very short secrets do not blot out ordinary words", () => {
  hideSecret("an");
  hideSecret("");
  hideSecret(undefined);
  assert.equal(redact("an answer"), "an answer");
});

Deno.test("log lines pass through the hiding of secrets", () => {
  hideSecret("s3same-open");
  const lines: string[] = [];
  configureLog({ write: (line) => lines.push(line) });
  log.info("password=s3same-open");
  configureLog({ level: "info" });
  assert.deepEqual(lines, ["password=***"]);
});
