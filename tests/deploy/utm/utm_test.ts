import assert from "node:assert/strict";
import { join } from "node:path";
import { removeDeployment } from "../../../lib/deploy/deploy.ts";
import { utmConfig } from "../../../lib/deploy/utm/config.ts";
import { plist } from "../../../lib/deploy/utm/plist.ts";
import { exists } from "../../../lib/files.ts";
import { putDeployment } from "../../../lib/image/deployments.ts";
import { registryFile } from "../../../lib/paths.ts";
import { run } from "../../../lib/process.ts";
import { newUser } from "../../cli/pim.ts";
import { sampleImage } from "../../image/sample.ts";
import { assertGolden } from "../../serve/golden.ts";
import { deployFixture, planned } from "../fixture.ts";
import { plistProblems, utmProblems } from "./utm_rules.ts";

const yaml = "there:\n  type: utm\n  path: /PATH\n  memory: 4G\n  cpus: 4\n";

Deno.test("a bundle has the image, its configuration and the firmware's variables", async () => {
  await using fixture = await deployFixture({ varsBytes: 540_672 });
  const { dir, image } = fixture;
  const target = await fixture.target(yaml.replace("/PATH", dir.path));
  assert.deepEqual(await planned(fixture, target), [
    "write a bundle with the image and its UEFI variables",
    `put it in place as ${dir.path}/${image.entry.name}.utm`,
  ]);
  const { where, ids } = await fixture.deploy(target);
  assert.equal(where, join(dir.path, `${image.entry.name}.utm`));
  assert.deepEqual(
    await Deno.readFile(join(where, "Data", ids.disk ?? "")),
    await Deno.readFile(image.path),
  );
  assert.equal((await Deno.stat(join(where, "Data", "efi_vars.fd"))).size, 540_672);
  const text = await Deno.readTextFile(join(where, "config.plist"));
  assert.deepEqual(plistProblems(text), []);
  assert.ok(fixture.events.some((event) => event.type === "progress" && event.bytes === event.totalBytes));
  assert.deepEqual((await fixture.deployments()).map(({ state }) => state), ["done"]);
});

Deno.test("the configuration has every key that UTM asks for, as Python's reader finds it too", async () => {
  for (const architecture of ["amd64", "arm64"] as const) {
    const entry = sampleImage("web", new Date("2026-01-31T12:00:00Z"), { architecture, firmware: "uefi" });
    const image = { entry, path: "/x", sha256: "ab".repeat(32) };
    const config = utmConfig(image, { name: "web & <co>", memoryMiB: 2048, cpus: 2, network: "shared" });
    const text = plist(config);
    await assertGolden(`utm/${architecture}.plist`, text);
    assert.deepEqual(plistProblems(text), []);
    const script = "import plistlib,sys,json; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    const { stdout } = await run(["python3", "-c", script], { stdin: text });
    const read = JSON.parse(stdout);
    assert.deepEqual(read, config);
    assert.deepEqual(utmProblems(read), []);
  }
});

Deno.test("the rules for a property list and for UTM find what is wrong", () => {
  const whole = plist({ A: [1, true, { B: "x" }] });
  assert.deepEqual(plistProblems(whole), []);
  assert.notDeepEqual(plistProblems(whole.replace("<key>B</key>", "")), []);
  assert.notDeepEqual(plistProblems(whole.replace("<integer>1</integer>", "<integer>1.5</integer>")), []);
  assert.notDeepEqual(plistProblems(whole.replace("<true/>", "<yes/>")), []);
  assert.notDeepEqual(plistProblems(whole.replace("<string>x", "<string>x & y")), []);
  assert.notDeepEqual(plistProblems(whole.replace("</array>", "")), []);
  assert.notDeepEqual(utmProblems({ Backend: "QEMU", ConfigurationVersion: 4 }), []);
});

Deno.test("a bundle that is there is left, and found changed once it was used", async () => {
  await using fixture = await deployFixture();
  const { dir } = fixture;
  const target = await fixture.target(yaml.replace("/PATH", dir.path));
  const { where, ids } = await fixture.deploy(target);
  await fixture.deploy(target);
  assert.deepEqual(fixture.events.map(({ type }) => type), ["already"]);
  await using opened = target.open(fixture.tools());
  const disk = join(where, "Data", ids.disk ?? "");
  await Deno.utime(disk, 1, 1);
  assert.equal(await opened.presence(ids, fixture.image.sha256), "there");
  const file = await Deno.open(disk, { write: true });
  await file.write(new TextEncoder().encode("used"));
  file.close();
  assert.equal(await opened.presence(ids, fixture.image.sha256), "changed");
  await assert.rejects(
    fixture.deploy(target),
    /a machine made of web-amd64-\S+ is there, which has been used/,
  );
  await fixture.deploy(target, { force: true });
  assert.deepEqual(await Deno.readFile(disk), await Deno.readFile(fixture.image.path));
  assert.deepEqual(
    (await Array.fromAsync(Deno.readDir(dir.path))).map(({ name }) => name).filter((name) =>
      name.includes(".utm.")
    ),
    [],
  );
});

Deno.test("a bundle of which nothing is written down is taken as it is", async () => {
  await using fixture = await deployFixture();
  const target = await fixture.target(yaml.replace("/PATH", fixture.dir.path));
  const first = await fixture.deploy(target);
  await Deno.remove(join(fixture.paths.dataDir, "registry.yml"));
  assert.deepEqual(await planned(fixture, target), [`write down ${first.where}, which is there already`]);
  assert.deepEqual((await fixture.deploy(target)).ids, first.ids);
});

Deno.test("what is not pim's is neither replaced nor removed, and a failure leaves nothing", async () => {
  await using fixture = await deployFixture();
  const { dir, image, paths } = fixture;
  const target = await fixture.target(yaml.replace("/PATH", dir.path));
  const path = join(dir.path, `${image.entry.name}.utm`);
  await Deno.mkdir(path);
  await assert.rejects(fixture.deploy(target), { name: "DeployError", message: /something else is there/ });
  await Deno.remove(path);
  await Deno.writeTextFile(image.path, "broken", { append: true });
  await assert.rejects(fixture.deploy(target), { name: "DeployError", message: /is not what was built/ });
  assert.equal(await exists(join(dir.path, `.${image.entry.name}.utm.part`)), false);
  assert.equal(await exists(path), false);
  await Deno.truncate(image.path, image.entry.bytes);
  const deployment = await fixture.deploy(target);
  await Deno.writeTextFile(join(path, "config.plist"), plist({ Backend: "QEMU" }));
  const options = { paths, tools: fixture.tools() };
  await assert.rejects(removeDeployment(deployment, target, options), /no bundle that pim has made/);
  await fixture.deploy(target, { force: true });
  const later = { ...deployment, ids: { ...deployment.ids, disk: "another.qcow2" } };
  await putDeployment(registryFile(paths), later);
  await removeDeployment(later, target, options);
  assert.equal(await exists(path), true);
  await fixture.deploy(target);
  await removeDeployment(deployment, target, options);
  assert.equal(await exists(path), false);
  assert.deepEqual(await fixture.deployments(), []);
});

Deno.test("who cancels leaves nothing in the folder", async () => {
  await using fixture = await deployFixture({ dataMiB: 8 });
  const target = await fixture.target(yaml.replace("/PATH", `${fixture.dir.path}/machines`));
  const abort = new AbortController();
  const deploying = fixture.deploy(target, {
    signal: abort.signal,
    onEvent: ({ type }) => type === "action-started" && abort.abort(),
  });
  await assert.rejects(deploying, { name: "CancelledError" });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(join(fixture.dir.path, "machines"))), []);
});

Deno.test("variables of another firmware are left out, for UTM makes its own", async () => {
  await using fixture = await deployFixture({ varsBytes: 131_072 });
  const { where } = await fixture.deploy(await fixture.target(yaml.replace("/PATH", fixture.dir.path)));
  assert.equal(await exists(join(where, "Data", "efi_vars.fd")), false);
});

Deno.test("a user deploys a bundle from the command line, and hears of wrong settings", async () => {
  await using fixture = await deployFixture();
  await using user = await newUser();
  const env = { PIM_DATA_DIR: fixture.paths.dataDir, PIM_CONFIG_DIR: fixture.paths.configDir };
  const pim = (...args: string[]) => user.run([...user.argv, ...args], { env });
  await fixture.write({
    "targets.d/there.yml": "there:\n  type: utm\n  path: /tmp\n  memory: lots\n  cpus: -1\n  nett: shared\n",
  });
  const wrong = await pim("target", "check", "there");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /there\.yml:4: memory must be an amount of memory/);
  assert.match(wrong.stderr, /there\.yml:5: cpus must be 1 or more/);
  assert.match(wrong.stderr, /there\.yml:6: nett is not known here/);
  await fixture.target(yaml.replace("/PATH", fixture.dir.path));
  const done = await pim("deploy", "run", "web", "there");
  assert.equal(done.code, 0, done.stderr);
  assert.equal(done.stdout.trim(), join(fixture.dir.path, `${fixture.image.entry.name}.utm`));
  assert.match((await pim("deploy", "status")).stdout, /there\/web-amd64-\S+\s+there/);
});
