import assert from "node:assert/strict";
import { join } from "node:path";
import { readSources, root } from "../sources.ts";

const text = await Deno.readTextFile(join(root, "docs/troubleshooting.md"));

Deno.test("every message that docs/troubleshooting.md explains is still one of pim's", async () => {
  const messages = [...text.matchAll(/^### (.+)$/gm)].map(([, heading = ""]) => heading);
  assert.ok(messages.length > 25);
  const lib = (await readSources("lib")).map((source) => source.text);
  const gone = messages.filter((message) => {
    // "…" stands for what a message says of the case at hand.
    const parts = message.split("…").map((part) => part.trim()).filter((part) => part.length > 2);
    return parts.length === 0 || !lib.some((source) => parts.every((part) => source.includes(part)));
  });
  assert.deepEqual(gone, []);
});

Deno.test("every reason for which a build fails is explained there by its word", async () => {
  const source = await Deno.readTextFile(join(root, "lib/build/diagnosis/reason.ts"));
  const type = /type ReasonCode =([^;]*);/.exec(source)?.[1] ?? "";
  const codes = [...type.matchAll(/"([a-z-]+)"/g)].map(([, code = ""]) => code);
  assert.ok(codes.length > 15);
  // These two say nothing of the machine.
  const explained = (code: string) => ["cancelled", "failed"].includes(code) || text.includes(`\`${code}\``);
  assert.deepEqual(codes.filter((code) => !explained(code)), []);
});
