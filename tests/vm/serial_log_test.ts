import assert from "node:assert/strict";
import { join } from "node:path";
import { followLog, readEnd, seekLastLines } from "../../lib/vm/console/serial_log.ts";
import { tempDir } from "../base/temp.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("the end of a log begins with a line where it can", async () => {
  await using dir = await tempDir();
  const cases: [string, number, string][] = [
    ["", 8, ""],
    ["one\ntwo\n", 8, "one\ntwo\n"],
    ["one\ntwo\n", 7, "two\n"],
    ["one\ntwo\n", 4, "two\n"],
    ["one\r\nlogin: ", 9, "login: "],
    ["a line without an end", 8, "t an end"],
  ];
  for (const [content, maxBytes, end] of cases) {
    using file = await Deno.open(await dir.write("log", content));
    assert.equal(text(await readEnd(file, maxBytes)), end, JSON.stringify(content));
    assert.equal(await file.read(new Uint8Array(1)), null, "it stands at the end");
  }
});

Deno.test("the last lines of a log are found, also where they are long and many", async () => {
  await using dir = await tempDir();
  const long = "x".repeat(100_000);
  const cases: [string, number, string][] = [
    ["", 3, ""],
    ["one\ntwo\nthree\n", 2, "two\nthree\n"],
    ["one\ntwo\nthree", 2, "two\nthree"],
    ["one\ntwo\n", 9, "one\ntwo\n"],
    ["one\ntwo\n", 0, ""],
    ["\n\n\n", 2, "\n\n"],
    [`one\n${long}\n${long}\n`, 2, `${long}\n${long}\n`],
  ];
  for (const [content, count, end] of cases) {
    using file = await Deno.open(await dir.write("log", content));
    await seekLastLines(file, count);
    assert.equal(await new Response(file.readable).text(), end, JSON.stringify(content.slice(0, 20)));
  }
});

Deno.test("a log is followed under whatever name it has by now, to what stands in it at the end", async () => {
  await using dir = await tempDir({ "log": "one " });
  using file = await Deno.open(join(dir.path, "log"));
  using writer = await Deno.open(join(dir.path, "log"), { append: true });
  const write = (more: string) => writer.write(new TextEncoder().encode(more));
  await Deno.rename(join(dir.path, "log"), join(dir.path, "previous"));
  await dir.write("log", "another start");
  const ended = new AbortController();
  const steps = [
    () => write("two "),
    () => Deno.remove(join(dir.path, "previous")),
    () => write("three").then(() => ended.abort()),
  ];
  let seen = "";
  for await (const bytes of followLog(file, ended.signal, () => steps.shift()?.() ?? assert.fail("no end"))) {
    seen += text(bytes);
  }
  assert.equal(seen, "one two three");
});
