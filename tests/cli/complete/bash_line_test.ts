import assert from "node:assert/strict";
import { bashReply, splitBashLine } from "../../../lib/cli/complete/bash_line.ts";

Deno.test("a bash line is split at spaces outside quotes, and nothing in it is expanded", () => {
  for (
    const [line, words] of [
      ["pim ", ["pim", ""]],
      ["pim  run", ["pim", "run"]],
      ['pim \'a b\' "c \\" d" e\\ f', ["pim", "a b", 'c " d', "e f"]],
      ["pim $(x) `y` ~ *", ["pim", "$(x)", "`y`", "~", "*"]],
      ["pim '' x", ["pim", "", "x"]],
      ["pim \"a\\b\" 'c\\d'", ["pim", "a\\b", "c\\d"]],
      ["pim 'my p", ["pim", "my p"]],
      ["pim a\\", ["pim", "a"]],
    ] as const
  ) assert.deepEqual(splitBashLine(line).words, words, line);
});

Deno.test("a reply is quoted as the word was begun, and begins where bash replaces", () => {
  for (
    const [line, current, word, reply] of [
      ["pim run w", "w", "web", "web "],
      ["pim run ", "", "web", "web "],
      ["pim run my", "my", "my web", "my\\ web "],
      ["pim run my\\ w", "my\\ w", "my web", "my\\ web "],
      ["pim run 'my w", "my w", "my web", "my web"],
      ["pim run 'i", "i", "it's", "it'\\''s"],
      ['pim run "a', "a", 'a"$b', 'a\\"\\$b'],
      ['pim run "a', "a", "a!b", undefined],
      ["pim run a", "a", "a$(b)`c`;d", "a\\$\\(b\\)\\`c\\`\\;d "],
      ["pim run --disk=o", "o", "--disk=overlay", "overlay "],
      ['pim run "--disk=o', "--disk=o", "--disk=overlay", "--disk=overlay"],
      ["pim cp w", "w", "web:", "web:"],
      ["pim show my\\ a:b", "b", "my a:bc", "bc "],
      ["pim run ~", "~", "~x", "\\~x "],
      ["pim run ü", "ü", "über", "über "],
      ["pim run w", "w", "db", undefined],
      ["pim run w", "x", "web", undefined],
    ] as const
  ) assert.equal(bashReply(line, current, word), reply, `${line} -> ${word}`);
});
