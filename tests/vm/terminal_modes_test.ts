import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { terminalModes, withoutQueries } from "../../lib/vm/console/terminal_modes.ts";

/** What undoes a guest's output, which comes in these pieces. */
function undoing(...pieces: readonly string[]): string {
  const modes = terminalModes();
  for (const piece of pieces) modes.note(Buffer.from(piece, "latin1"));
  return Buffer.from(modes.undo()).toString("latin1");
}

Deno.test("a guest that changed nothing leaves nothing to undo but an unfinished line", () => {
  assert.equal(undoing(), "");
  assert.equal(undoing("a line\r\n"), "");
  assert.equal(undoing("a line\r", "\n"), "");
  assert.equal(undoing("login: "), "\r\n");
  assert.equal(undoing("a step\n"), "\r");
});

Deno.test("what a full-screen program changed is undone", () => {
  assert.equal(
    undoing("\x1b[?1049h\x1b[?1;2004h\x1b[?25l\x1b[2;20r\x1b=\x1b(0\x1b[>4;2m\x1b[>1u\r\n"),
    "\x1b[?1049l\x1b[?1l\x1b[?2004l\x1b[?25h\x1b7\x1b[r\x1b8\x1b>\x1b(B\x1b[>4m\x1b[<99u\x1b[0m",
  );
});

Deno.test("what the guest put back itself is not undone again, nor what was before its reset of the terminal", () => {
  assert.equal(
    undoing("\x1b[?1049h\x1b[?25l\x1b[?25h\x1b[?1049l\x1b[1;9r\x1b[r\x1b=\x1b>\x1b(0\x1b(B\r\n"),
    "\x1b[0m",
  );
  assert.equal(undoing("\x1b[?7l\x1bc\r\n"), "\x1b[0m");
  assert.equal(undoing("\x1b[?7l\x1bc\x1b[?25l\r\n"), "\x1b[?25h\x1b[0m");
});

Deno.test("sequences are known in whatever pieces they come", () => {
  const text = "boot\x1b[?7l ok \x1b[31mred\x1b[0m\x1b[?2004h$ \r\n";
  assert.equal(undoing(...text), undoing(text));
  assert.equal(undoing("\x1b[?", `7l${"x".repeat(5000)}`, "\r\n"), "\x1b[?7h\x1b[0m");
});

Deno.test("what makes a terminal answer is taken out of what is shown again, and nothing else", () => {
  const queries = [
    ..."\x1b[6n \x1b[?6n \x1b[5n \x1b[c \x1b[0c \x1b[>c \x1b[=c \x1bZ \x1b[18t \x1b[>0q \x1b[?u \x1b[?2026$p"
      .split(" "),
    ..."\x05 \x1b]11;?\x07 \x1b]10;?\x1b\\ \x1b]4;1;?\x07 \x1bP+q544e\x1b\\ \x1bP$qm\x1b\\ \x1b[x".split(" "),
  ];
  const rest = "\xe2\x9c\x93\x1b[31mred\x1b[0m\x1b[2;3H\x1b]0;title\x07\x1b[2 q\x1b[8;24;80t\x1b[?25l\0\xff";
  for (const query of queries) {
    const seen = withoutQueries(Buffer.from(`a${query}b${rest}`, "latin1"));
    assert.equal(Buffer.from(seen).toString("latin1"), `ab${rest}`, JSON.stringify(query));
  }
});
