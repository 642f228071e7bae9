import assert from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { writeAll, writeAllSync, writeText } from "../../lib/output.ts";
import { which } from "../../lib/process.ts";
import { tempDir } from "./temp.ts";

const outputModule = import.meta.resolve("../../lib/output.ts");

/** A non-blocking pipe with a slow reader: every other time it is full, else it takes three bytes. */
function slowPipe() {
  const taken: number[] = [];
  let full = false;
  const writeSync = (bytes: Uint8Array): number => {
    full = !full;
    if (full) throw new Deno.errors.WouldBlock("Resource temporarily unavailable (os error 11)");
    taken.push(...bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  };
  return {
    writeSync,
    write: (bytes: Uint8Array) => new Promise<number>((resolve) => resolve(writeSync(bytes))),
    text: () => new TextDecoder().decode(new Uint8Array(taken)),
  };
}

Deno.test("what a pipe does not take at once is written later, whole", async () => {
  const text = "a line for a slow reader\n";
  const bytes = new TextEncoder().encode(text);
  const [one, two, three] = [slowPipe(), slowPipe(), slowPipe()];
  writeText(one, text);
  writeAllSync(two, bytes);
  await writeAll(three, bytes);
  assert.deepEqual([one, two, three].map((pipe) => pipe.text()), [text, text, text]);
});

Deno.test({
  name: "a pipe that others have made non-blocking gets all of a text, and nothing of it twice",
  ignore: Deno.build.os !== "linux" || await which("perl") === undefined,
  async fn() {
    await using dir = await tempDir({
      "write.ts": `import { writeAll, writeText } from ${JSON.stringify(outputModule)};
const text = Array.from({ length: 40_000 }, (_, line) => line + "\\n").join("");
writeText(Deno.stdout, text);
await writeAll(Deno.stdout, new TextEncoder().encode(text));`,
    });
    const nonBlocking = "fcntl(STDOUT, F_SETFL, O_WRONLY | O_NONBLOCK) or die; exec @ARGV";
    const writer = [Deno.execPath(), "run", "-A", "--no-check", "--quiet", join(dir.path, "write.ts")];
    const child = new Deno.Command("perl", {
      args: ["-MFcntl", "-e", nonBlocking, ...writer],
      stdout: "piped",
    }).spawn();
    // By then more was written than the pipe holds.
    await sleep(500);
    const text = await new Response(child.stdout).text();
    const lines = Array.from({ length: 40_000 }, (_, line) => `${line}\n`).join("");
    assert(text === lines + lines, `${text.length} characters in place of ${2 * lines.length}`);
    assert((await child.status).success);
  },
});

Deno.test("a reader that has gone is no error, and a disk that is full is one", () => {
  const failing = (error: Error) => ({
    writeSync(): number {
      throw error;
    },
  });
  writeText(failing(new Deno.errors.BrokenPipe()), "x");
  assert.throws(() => writeText(failing(new Error("No space left on device")), "x"), /No space left/);
});
