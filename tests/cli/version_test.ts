import assert from "node:assert/strict";
import denoConfig from "../../deno.json" with { type: "json" };
import { newUser } from "./pim.ts";

Deno.test("pim version --json tells version, commit, date, Deno and target", async () => {
  await using user = await newUser();
  const { code, stdout, stderr } = await user.pim("version", "--json");
  assert.deepEqual([code, stderr], [0, ""]);
  const { commit, changed, date, ...rest } = JSON.parse(stdout);
  assert.deepEqual(rest, {
    version: denoConfig.version,
    deno: Deno.version.deno,
    target: Deno.build.target,
    binary: false,
  });
  // Sources without git have no commit; then nothing is said of it.
  if (commit === null) return assert.deepEqual([changed, date], [null, null]);
  assert.match(commit, /^[0-9a-f]{40}$/);
  assert.equal(typeof changed, "boolean");
  assert.match(date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});

Deno.test("pim version never fails for want of git", async () => {
  await using user = await newUser();
  const { code, stdout, stderr } = await user.run([...user.argv, "version"], { env: { PATH: "/nowhere" } });
  assert.deepEqual([code, stderr], [0, ""]);
  assert.equal(
    stdout,
    `pim ${denoConfig.version} (commit unknown)\ncheckout for ${Deno.build.target}, Deno ${Deno.version.deno}\n`,
  );
});
