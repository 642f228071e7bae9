import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "./documents.ts";

async function sources(folder: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) texts.push(...await sources(path));
    else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(path));
  }
  return texts;
}

Deno.test("every message that docs/troubleshooting.md explains is still one of pim's", async () => {
  const text = await Deno.readTextFile(join(root, "docs/troubleshooting.md"));
  const messages = [...text.matchAll(/^### (.+)$/gm)].map(([, heading = ""]) => heading);
  assert.ok(messages.length > 25);
  const lib = await sources(join(root, "lib"));
  const gone = messages.filter((message) => {
    // "…" stands for what a message says of the case at hand.
    const parts = message.split("…").map((part) => part.trim()).filter((part) => part.length > 2);
    return parts.length === 0 || !lib.some((source) => parts.every((part) => source.includes(part)));
  });
  assert.deepEqual(gone, []);
});
