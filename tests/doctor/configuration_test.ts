import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { checkCatalog, checkImages, checkSettings } from "../../lib/doctor/configuration.ts";
import { chooseGroups, examine } from "../../lib/doctor/doctor.ts";
import { checkProfiles, checkTargets } from "../../lib/doctor/entries.ts";
import type { DoctorContext } from "../../lib/doctor/finding.ts";
import { patient } from "./patient.ts";

async function lookAtConfig(context: DoctorContext) {
  const all = (await Array.fromAsync(examine(chooseGroups(["config"]), context))).flatMap((each) =>
    each.findings
  );
  return { all, results: Object.fromEntries(all.map(({ name, result }) => [name, result])) };
}

Deno.test("a new user is told to begin with pim init, and nothing is a problem", async () => {
  await using user = await patient();
  const { all, results } = await lookAtConfig(user.context);
  deepEqual(results, {
    settings: "warning",
    profiles: "ok",
    "ISO catalog": "ok",
    targets: "ok",
    images: "ok",
  });
  equal(all[0]?.fix, "pim init");
  deepEqual(await Array.fromAsync(Deno.readDir(user.path)), []);
});

Deno.test("the folders that count are named, and so is what is in them", async () => {
  await using user = await patient({
    "pim.yml": "",
    "config/pim/profiles.d/default.ts": "export default {};\n",
    "isos.d/a.yml": "debian-amd64:\n  url: https://example.org/a.iso\n",
    "targets.d/a.yml": "nas:\n  type: file\n  path: /srv/{name}.qcow2\n",
  });
  const [settings] = await checkSettings(user.context);
  equal(settings?.detail, `project ${user.path}, user ${user.path}/config/pim`);
  match((await checkProfiles(user.context))[0]?.detail ?? "", /^1, /);
  equal((await checkCatalog(user.context))[0]?.detail, "1 in the catalog");
  match((await checkTargets(user.context))[0]?.detail ?? "", /^1 described/);
});

Deno.test("a mistake in pim.yml is one problem, and what depends on it is not looked at", async () => {
  await using user = await patient({ "pim.yml": "build: {cpu: 2}\n" });
  const { all, results } = await lookAtConfig(user.context);
  deepEqual(results, { settings: "problem" });
  match(all[0]?.detail ?? "", /pim\.yml:1: build\.cpu is not known here\. Did you mean cpus\?$/);
  match(all[0]?.fix ?? "", /pim doctor config$/);
});

Deno.test("every profile is looked at: those that do not load, and those that name what is not there", async () => {
  await using user = await patient({
    "pim.yml": "",
    "profiles.d/good.ts": 'export default { iso: "debian-{arch}" };\n',
    "profiles.d/none.ts": "export default {};\n",
    "profiles.d/misspelt.ts": 'export default { usrname: "x" };\n',
    "profiles.d/broken.ts": "export default {\n",
    "profiles.d/script.ts": 'export default { scripts: ["dokcer"] };\n',
    "profiles.d/iso.ts": 'export default { iso: "debian-14" };\n',
    "isos.d/a.yml": ["amd64", "arm64"].map((arch) =>
      `debian-${arch}:\n  url: https://example.org/${arch}.iso\n`
    ).join(""),
  });
  const [profiles, builds, ...rest] = await checkProfiles(user.context);
  deepEqual(rest, []);
  deepEqual([profiles?.name, profiles?.result], ["profiles", "problem"]);
  match(
    profiles?.detail ?? "",
    /^2 of 6 cannot be loaded\nbroken: .*\n(.*\n)*misspelt: .* Did you mean username\?$/,
  );
  match(profiles?.fix ?? "", /: pim profile check broken$/);
  deepEqual([builds?.name, builds?.result], ["builds", "problem"]);
  match(builds?.detail ?? "", /^2 of 6 profiles cannot be built\niso: No ISO .* debian-14\nscript: .*dokcer/);
  match(builds?.fix ?? "", /: pim build plan iso$/);
});

Deno.test("every target is looked at, also when an earlier one is wrong", async () => {
  await using user = await patient({
    "pim.yml": "",
    "targets.d/a.yml":
      "one:\n  type: libvirt\n  pol: x\ntwo:\n  type: fiel\nthree:\n  type: file\n  path: /x\n",
  });
  const [targets] = await checkTargets(user.context);
  equal(targets?.result, "problem");
  match(
    targets?.detail ?? "",
    /^2 of 3 cannot be used\none: .*Did you mean pool\?\ntwo: .*Did you mean file\?$/,
  );
});

Deno.test("a broken catalog and a damaged registry are problems of their own", async () => {
  await using user = await patient({
    "pim.yml": "",
    "isos.d/a.yml": "x: {url: 3}\n",
    "profiles.d/p.ts": 'export default { iso: "x" };\n',
    "data/pim/registry.yml": "version: 1\nimages: {]\n",
  });
  const { all, results } = await lookAtConfig(user.context);
  deepEqual(results, {
    settings: "ok",
    profiles: "ok",
    "ISO catalog": "problem",
    targets: "ok",
    images: "problem",
  });
  match(all.find(({ name }) => name === "ISO catalog")?.detail ?? "", /a\.yml:1: url must be text/);
  // Nothing is copied or mended by looking.
  const names = (await Array.fromAsync(Deno.readDir(join(user.path, "data/pim")))).map(({ name }) => name);
  deepEqual(names, ["registry.yml"]);
  await Deno.remove(join(user.path, "data/pim/registry.yml"));
  equal((await checkImages(user.context))[0]?.detail, "none yet");
});

Deno.test("remote builders of the earlier pim are told not to be used", async () => {
  await using user = await patient({ "pim.yml": "build:\n  remotes: {big: {host: big.example}}\n" });
  const [, remotes] = await checkSettings(user.context);
  deepEqual([remotes?.name, remotes?.result], ["remote builders", "warning"]);
  equal(remotes?.detail, "build.remotes names other hosts, but this pim builds on its own host only");
  match(remotes?.fix ?? "", new RegExp(`^Remove build\\.remotes from ${user.path}/pim\\.yml; `));
});
