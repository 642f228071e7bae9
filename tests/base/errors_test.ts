import assert from "node:assert/strict";
import { exitCodeOf, formatError } from "../../lib/cli/error_text.ts";
import { CancelledError, exitCode, HostError, messageOf, PimError, UsageError } from "../../lib/errors.ts";
import { hideSecret } from "../../lib/log.ts";

Deno.test("each kind of error has its exit code", () => {
  assert.equal(exitCodeOf(new PimError("x")), 1);
  assert.equal(exitCodeOf(new UsageError("x")), 2);
  assert.equal(exitCodeOf(new HostError("x")), 3);
  assert.equal(exitCodeOf(new PimError("x", { exitCode: exitCode.provisioning })), 7);
  assert.equal(exitCodeOf(new CancelledError()), 130);
  assert.equal(exitCodeOf(new DOMException("stopped", "AbortError")), 130);
  assert.equal(exitCodeOf(new TypeError("a bug")), 1);
});

Deno.test("an error for people is a message and a hint; debug adds the stack and what caused it", () => {
  const error = new UsageError("Cannot do it: why", { hint: "Type that.", cause: new Error("underneath") });
  assert.equal(formatError(error, false), "error: Cannot do it: why\nhint: Type that.");
  assert.match(formatError(error, true), /at .*errors_test\.ts[\s\S]*caused by: Error: underneath\n\s+at /);
});

Deno.test("a mistake of pim itself says so and always shows its stack", () => {
  assert.match(formatError(new TypeError("x is undefined"), false), /mistake in pim[\s\S]*at .*errors_test/);
  assert.equal(formatError(new CancelledError(), false), "cancelled");
});

Deno.test("secrets do not show in errors", () => {
  hideSecret("pa55word-of-errors");
  assert.equal(formatError(new PimError("said pa55word-of-errors"), false), "error: said ***");
});

Deno.test("anything thrown has a message", () => {
  assert.equal(messageOf(new Error("why")), "why");
  assert.equal(messageOf("text"), "text");
  assert.equal(messageOf(undefined), "undefined");
});
