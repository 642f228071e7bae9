import assert from "node:assert/strict";
import { start } from "../../lib/process.ts";
import { watchMemory } from "./memory.ts";

const linux = Deno.build.os === "linux";

// Holds 64 MiB in a process of its own and gives it back before it ends: only a peak can tell.
const heavy =
  "const b = new Uint8Array(64 * 2 ** 20).fill(1); await new Promise((r) => setTimeout(r, 400)); b[0];";
const idle = "await new Promise((r) => setTimeout(r, 400));";
const parent = (code: string) =>
  `await new Deno.Command(Deno.execPath(), { args: ["eval", ${JSON.stringify(code)}] }).output();`;

async function peakOf(code: string): Promise<number> {
  const running = start([Deno.execPath(), "eval", code]);
  using memory = watchMemory(running.pid);
  assert.equal((await running.ended).code, 0, running.stderr());
  return memory.peakMiB() ?? NaN;
}

Deno.test(
  { name: "the peak memory of a process counts what it held for a while", ignore: !linux },
  async () => {
    const [light, more] = [await peakOf(idle), await peakOf(heavy)];
    assert.ok(light > 10, `${light} MiB`);
    assert.ok(more - light > 50 && more - light < 90, `${light} and ${more} MiB`);
  },
);

Deno.test(
  { name: "the peak memory counts the processes that a process starts", ignore: !linux },
  async () => {
    const [alone, withChild] = [await peakOf(idle), await peakOf(parent(heavy))];
    assert.ok(withChild - alone > 64, `${alone} and ${withChild} MiB`);
  },
);
