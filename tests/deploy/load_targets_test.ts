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

Deno.test("all targets that are wrong are told of together", async () => {
  const entries = [
    "disk: { type: fil, path: /srv }",
    "share: { type: file, format: vhd }",
    "virt: { type: libvirt, memory: lots }",
  ];
  await assert.rejects(load({ "a.yml": entries.join("\n") + "\n" }), {
    name: "UsageError",
    message:
      /a\.yml:1: type is no kind .*\n.*a\.yml:2: path is missing\n.*a\.yml:3: memory must be an amount of memory in MiB, such as 2048, or 4G$/,
  });
});

Deno.test("a module of a target without a default export is told what a target looks like", async () => {
  await assert.rejects(load({ "nas.ts": "export const nas = {};\n" }), {
    message: /nas\.ts has no default export/,
    hint: /^Write `export default \{ type: "file", … \};`/,
  });
});

Deno.test("`verify: true` is taken where pim can verify what was deployed, and refused elsewhere with what to do instead", async () => {
  const targets = await load({
    "all.yml": "default: { verify: true }\n" +
      "lab: { type: libvirt }\nshare: { type: file, path: /srv, verify: false }\n",
  });
  assert.deepEqual(
    targets.map(({ name, verify, verifies, settings }) => [name, verify, verifies, "verify" in settings]),
    [
      ["lab", true, true, false],
      ["share", false, true, false],
    ],
  );
  const refused = (entry: string, message: RegExp) =>
    assert.rejects(load({ "a.yml": `there:\n  verify: true\n${entry}` }), { name: "UsageError", message });
  await refused(
    "  type: ssh\n  host: lab\n  path: /srv\n",
    /a\.yml:2: verify cannot be true: pim starts no instance at a target of type ssh; verify the image before, with `pim verify`/,
  );
  await refused("  type: oci\n  reference: hub/x\n", /type oci; get it back with `pim image pull`/);
  await refused("  type: utm\n", /no instance at a target of type utm/);
  await assert.rejects(load({ "a.yml": "there:\n  type: libvirt\n  verify: maybe\n" }), {
    message: /a\.yml:3: verify has to be true or false/,
  });
});

Deno.test("a secret that stands in a target itself is refused and not repeated", async () => {
  const text = "lab: { type: ssh, host: lab, path: /srv, password: hunter22 }\n";
  await assert.rejects(load({ "a.yml": text }), ({ message }: Error) => {
    assert.match(message, /password must be a reference such as "\$NAME"/);
    assert.doesNotMatch(message, /hunter22/);
    return true;
  });
});

Deno.test("a target that is called by a wrong name is told by the nearest one", async () => {
  const targets = await load({ "a.yml": "share: { type: file, path: /srv }\n" });
  assert.equal(getTarget("share", targets).brief, "a file in a folder, in any disk format");
  assert.throws(() => getTarget("shar", targets), { hint: "Did you mean share?" });
  assert.throws(() => getTarget("share", []), { hint: /targets\.d/ });
});
