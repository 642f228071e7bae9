import assert from "node:assert/strict";
import { loadTargets } from "../../lib/deploy/load_targets.ts";
import { targetTypes } from "../../lib/deploy/target_types.ts";
import { places } from "../build/places.ts";

const examples = new URL("../../config.example/targets.d/targets.yml", import.meta.url);
const readme = new URL("../../README.md", import.meta.url);

Deno.test("the examples of targets that pim init writes are right, and there is one of every type", async () => {
  const text = await Deno.readTextFile(examples);
  const entries = text.split("\n").filter((line) => /^# ( *[a-z_]+:( |$))/.test(line)).map((line) =>
    line.slice(2)
  );
  await using place = await places({ "targets.d/targets.yml": entries.join("\n") });
  const targets = await loadTargets((await place.config()).folders);
  assert.deepEqual(targets.map(({ type }) => type).sort(), targetTypes.map(({ type }) => type).sort());
  // Each that can be verified shows how.
  assert.deepEqual(targets.filter(({ verify, verifies }) => verify !== verifies).map(({ name }) => name), []);
});

Deno.test("as they are written, the examples are no targets yet", async () => {
  await using place = await places({ "targets.d/targets.yml": await Deno.readTextFile(examples) });
  assert.deepEqual(await loadTargets((await place.config()).folders), []);
});

Deno.test("the README shows one target of every type, as pim takes it", async () => {
  const text = await Deno.readTextFile(readme);
  const yaml = /## Deploy\n[\s\S]*?```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  await using place = await places({ "targets.d/targets.yml": yaml });
  const targets = await loadTargets((await place.config()).folders);
  assert.deepEqual(targets.map(({ type }) => type).sort(), targetTypes.map(({ type }) => type).sort());
});
