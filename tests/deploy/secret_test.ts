import assert from "node:assert/strict";
import * as v from "valibot";
import { readSecret, secretReference } from "../../lib/deploy/secret.ts";
import { redact } from "../../lib/log.ts";
import { tempDir } from "../base/temp.ts";

Deno.test("a secret is named by a variable, a file or a command, and hidden from then on", async () => {
  await using dir = await tempDir({ "token": "from-a-file\n" });
  const source = { env: new Map([["TOKEN", "from-the-environment"], ["HOME", dir.path]]), baseDir: dir.path };
  assert.equal(await readSecret("$TOKEN", source), "from-the-environment");
  assert.equal(await readSecret("file:token", source), "from-a-file");
  assert.equal(await readSecret("file:~/token", { ...source, baseDir: "/" }), "from-a-file");
  assert.equal(
    await readSecret({ command: ["printf", "from %s\\n", "a-command"] }, source),
    "from a-command",
  );
  assert.equal(redact("from-the-environment, from-a-file, from a-command"), "***, ***, ***");
});

Deno.test("a command that prints a secret sees the user's whole environment, as in the user's shell", async () => {
  Deno.env.set("PIM_TEST_STORE", "in-the-store");
  try {
    const reference = { command: ["printenv", "PIM_TEST_STORE"] };
    assert.equal(await readSecret(reference, { env: new Map(), baseDir: "/" }), "in-the-store");
  } finally {
    Deno.env.delete("PIM_TEST_STORE");
  }
});

Deno.test("a secret that cannot be had is told by its reference", async () => {
  await using dir = await tempDir({ "empty": "\n" });
  const source = { env: new Map(), baseDir: dir.path };
  await assert.rejects(readSecret("$NO_TOKEN", source), { hint: "Set it: export NO_TOKEN=…" });
  await assert.rejects(readSecret("file:none", source), { message: /Cannot read the secret file:none/ });
  await assert.rejects(readSecret("file:empty", source), { message: "The secret file:empty is empty" });
  await assert.rejects(readSecret({ command: ["false"] }, source), { message: /of the command false/ });
});

Deno.test("who cancels while a command fetches a secret has cancelled, whatever became of the command", async () => {
  const stop = new AbortController();
  const source = { env: new Map(), baseDir: "/", signal: stop.signal };
  const reading = readSecret({ command: ["sleep", "600"] }, source);
  stop.abort();
  await assert.rejects(reading, { name: "CancelledError" });
});

Deno.test("a secret itself is no reference", () => {
  const takes = (value: unknown) => v.safeParse(secretReference, value).success;
  assert.deepEqual(["$TOKEN", "file:x", { command: ["pass"] }].map(takes), [true, true, true]);
  assert.deepEqual(["s3cret", "$a-b", "", "file:", { command: [] }].map(takes), [
    false,
    false,
    false,
    false,
    false,
  ]);
});
