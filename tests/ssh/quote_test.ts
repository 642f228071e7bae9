import assert from "node:assert/strict";
import { run } from "../../lib/process.ts";
import { shellCommand, shellQuote } from "../../lib/ssh/quote.ts";

const awkward = [
  "",
  "plain",
  "two words",
  "it's",
  "'",
  "''",
  '"double"',
  "$HOME `id` $(id)",
  "back\\slash",
  "new\nline\n",
  "-n",
  "~",
  "*",
  "a=b",
  "#comment",
  "!history",
  "tab\there",
  "ümläut ☃",
  ";|&<>",
];

Deno.test("a POSIX shell reads every quoted word back unchanged", async () => {
  const script = awkward.map((word) => `printf '%s\\0' ${shellQuote(word)}`).join("\n");
  const { stdout } = await run(["/bin/sh", "-c", script]);
  assert.deepEqual(stdout.split("\0").slice(0, -1), awkward);
});

Deno.test("a command keeps its words and variables through a shell", async () => {
  const env = Object.fromEntries(awkward.map((value, index) => [`V${index}`, value]));
  const names = Object.keys(env).map((name) => `"$${name}"`).join(" ");
  const command = shellCommand(["sh", "-c", `printf '%s\\0' "$@" ${names}`, "sh", ...awkward], env);
  const { stdout } = await run(["/bin/sh", "-c", command]);
  assert.deepEqual(stdout.split("\0").slice(0, -1), [...awkward, ...awkward]);
});

Deno.test("a plain word is left readable", () => {
  assert.equal(shellCommand(["ls", "-l", "/var/log"]), "ls -l /var/log");
});

Deno.test("NUL and bad variable names are refused", () => {
  assert.throws(() => shellQuote("a\0b"), /NUL/);
  assert.throws(() => shellCommand(["true"], { "A B": "1" }), /environment variable/);
});
