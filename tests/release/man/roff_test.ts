import assert from "node:assert/strict";
import { flag, paragraphs, text, title } from "../../../release/man/roff.ts";

Deno.test("no text is a request or an escape to roff", () => {
  assert.equal(text(".so /etc/passwd"), "\\&.so /etc/passwd");
  assert.equal(text("'br"), "\\(aqbr");
  assert.equal(text("a\n.b"), "a\n\\&.b");
  assert.equal(text("C:\\n --x ~/y `z` ^"), "C:\\en \\-\\-x \\(ti/y \\(gaz\\(ga \\(ha");
  assert.equal(text("… ü 𝄞"), "\\[u2026] \\[u00FC] \\[u1D11E]");
  assert.equal(title("pim-x", "2026-01-01", 'pim "1"'), '.TH "PIM\\-X" 1 "2026-01-01" "pim ""1""" "pim"');
});

Deno.test("of a flag, what is typed is bold, and what is to be replaced is in italics", () => {
  assert.equal(flag("-n, --lines N"), "\\fB\\-n\\fP, \\fB\\-\\-lines\\fP \\fIN\\fP");
  assert.equal(flag("--a, --no-a"), "\\fB\\-\\-a\\fP, \\fB\\-\\-no\\-a\\fP");
});

Deno.test("blank lines part paragraphs, and an indented one stays as it is", () => {
  assert.deepEqual(paragraphs("One\ntwo.\n\n  a   b\n  .c"), [
    "One two.",
    ...[".PP", ".RS 4", ".nf", "a   b", "\\&.c", ".fi", ".RE"],
  ]);
});
