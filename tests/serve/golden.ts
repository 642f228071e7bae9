import assert from "node:assert/strict";
import { dirname, join } from "node:path";

const folder = join(import.meta.dirname ?? ".", "..", "testdata");

/** Compares a text with a file in tests/testdata; PIM_UPDATE_GOLDEN=1 writes the file instead. */
export async function assertGolden(name: string, text: string): Promise<void> {
  const path = join(folder, name);
  if (Deno.env.get("PIM_UPDATE_GOLDEN") === "1") {
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, text);
  }
  assert.equal(text, await Deno.readTextFile(path), `differs from ${name}; PIM_UPDATE_GOLDEN=1 accepts it`);
}
