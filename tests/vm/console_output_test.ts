import assert from "node:assert/strict";
import { join } from "node:path";
import {
  consoleOutput,
  type Incoming,
  join as joinSaid,
  receive,
} from "../../lib/vm/console/console_output.ts";
import { tempDir } from "../base/temp.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** A connection over which this comes, piece by piece. */
function connection(): {
  say(text: string): void;
  end(): void;
  read(buffer: Uint8Array): Promise<number | null>;
} {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [reader, writer] = [readable.getReader(), writable.getWriter()];
  return {
    say: (text) => void writer.write(bytes(text)),
    end: () => void writer.close(),
    async read(buffer) {
      const { value } = await reader.read();
      if (value === undefined) return null;
      buffer.set(value);
      return value.length;
    },
  };
}

Deno.test("log and connection are joined where the one ends and the other begins", () => {
  const digits = Array.from({ length: 300 }, (_, index) => index).join(" ");
  const cases: [logged: string, received: string, said: string][] = [
    ["", "", ""],
    ["", "echo", "echo"],
    ["echo", "echo", "echo"],
    ["ech", "echo", "echo"],
    ["before echo", "echo", "before echo"],
    ["before ec", "echo and more", "before echo and more"],
    ["before ", "echo", "before echo"],
    // Bytes that were logged twice because the connection was full.
    [`before ${digits}5566`, `${digits}56789`, `before ${digits}56789`],
    [`before ${digits}5566`, `${digits}56`, `before ${digits}56`],
    // What repeats itself is not taken for what was received when it was said before.
    ["y".repeat(500), "y".repeat(300), "y".repeat(500)],
    // A letter that comes again: all that was logged is in what was received, or was logged before.
    ["helloo", "o", "helloo"],
    ["the log", "", "the log"],
  ];
  for (const [logged, received, said] of cases) {
    assert.equal(text(joinSaid(bytes(logged), bytes(received))), said, JSON.stringify([logged, received]));
  }
});

Deno.test("the log is shown until something comes over the connection, and from then on only that", async () => {
  await using dir = await tempDir({ "log": "shown before" });
  const path = join(dir.path, "log");
  const add = (text: string) => Deno.writeTextFile(path, text, { append: true });
  using log = await Deno.open(path);
  await log.seek(0, Deno.SeekMode.End);
  const peer = connection();
  const output = consoleOutput(log, receive(peer));
  await add("one ");
  const seen: string[] = [];
  const next = async () => {
    const { done, value } = await output.next();
    if (!done) seen.push(text(value));
    return done;
  };
  await next();
  await add("two ");
  peer.say("three ");
  await add("three ");
  while (!seen.join("").includes("three")) await next();
  await add("logged twice logged twice ");
  peer.say("four ");
  await next();
  peer.end();
  assert.equal(await next(), true);
  assert.equal(seen.join(""), "one two three four ");
});

Deno.test("a machine that ends without a word over the connection is shown to the end of its log", async () => {
  await using dir = await tempDir({ "log": "last words" });
  using log = await Deno.open(join(dir.path, "log"));
  const peer = connection();
  peer.end();
  const output = await Array.fromAsync(consoleOutput(log, receive(peer)));
  assert.equal(output.map(text).join(""), "last words");
});

Deno.test("what comes is read ahead of whoever takes it, but not without end", async () => {
  const peer = connection();
  let read = 0;
  const incoming: Incoming = receive({
    async read(buffer) {
      const count = await peer.read(buffer);
      read += count ?? 0;
      return count;
    },
  }, 10);
  for (const piece of ["12345", "67890", "x", "y"]) peer.say(piece);
  peer.end();
  while (read < 11) await incoming.wait();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual([read, incoming.ended()], [11, false]);
  assert.equal(text(incoming.take()), "1234567890x");
  while (!incoming.ended()) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(text(incoming.take()), "y");
  assert.equal(incoming.take().length, 0);
});
