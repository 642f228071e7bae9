import assert from "node:assert/strict";
import { getTarget, loadTargets } from "../../lib/deploy/load_targets.ts";
import { places } from "../build/places.ts";

async function load(files: Readonly<Record<string, string>>) {
  await using place = await places(
    Object.fromEntries(Object.entries(files).map(([name, text]) => [`targets.d/${name}`, text])),
  );
  return await loadTargets((await place.config()).folders);
}

Deno.test("targets are entries of YAML files and modules, each merged over the default", async () => {
  const targets = await load({
    "all.yml":
      "default: { format: raw }\nshare: { type: file, path: /srv }\nlab: { type: file, path: /lab, format: vhd }\n",
    "nas.ts": 'export default { type: "file", path: "/nas" };\n',
  });
  assert.deepEqual(targets.map(({ name, type, settings }) => [name, type, settings]), [
    ["lab", "file", { path: "/lab", format: "vhd" }],
    ["nas", "file", { path: "/nas", format: "raw" }],
    ["share", "file", { path: "/srv", format: "raw" }],
  ]);
});

Deno.test("what is wrong with a target is told with its place, all of it at once", async () => {
  await assert.rejects(load({ "a.yml": "share:\n  type: file\n  pth: /srv\n  format: vdi\n" }), {
    name: "UsageError",
    message: /a\.yml:4: format must be .*\n.*a\.yml:3: pth is not known here\. Did you mean path\?/,
  });
  await assert.rejects(load({ "a.yml": "share:\n  type: fil\n  path: /srv\n" }), {
    message: /a\.yml:2: type is no kind of target: fil\. Did you mean file\?/,
  });
  await assert.rejects(load({ "a.yml": "share:\n  path: /srv\n" }), { message: /type is missing \(file, / });
  await assert.rejects(load({ "a.yml": "'../x': { type: file, path: /srv }\n" }), {
    message: /"\.\.\/x" cannot be a target name/,
  });
});

Deno.test("a target that is called by a wrong name is told by the nearest one", async () => {
  const targets = await load({ "a.yml": "share: { type: file, path: /srv }\n" });
  assert.equal(getTarget("share", targets).brief, "a file in a folder, in any disk format");
  assert.throws(() => getTarget("shar", targets), { hint: "Did you mean share?" });
  assert.throws(() => getTarget("share", []), { hint: /targets\.d/ });
});
