import assert from "node:assert/strict";
import { join } from "node:path";
import { newUser } from "../../cli/pim.ts";
import { imagePlace } from "../../deploy/image_place.ts";

/** A pim on the command line, with the image and the targets of a place. */
async function command() {
  const place = await imagePlace({
    "files.yml": "share: { type: file, path: ../out }\nbad: { type: file, path: /proc/x }\n",
  });
  const user = await newUser();
  const pim = (...args: string[]) => user.run([...user.argv, ...args], { env: { ...place.env } });
  return {
    ...{ place, pim },
    async [Symbol.asyncDispose]() {
      await user[Symbol.asyncDispose]();
      await place[Symbol.asyncDispose]();
    },
  };
}

Deno.test("an image is deployed, listed, looked for and removed on the command line", async () => {
  await using one = await command();
  const { place, pim } = one;
  const { name } = place.image.entry;
  const out = join(place.dir, "config", "out", `${name}.qcow2`);
  const dry = await pim("deploy", "run", "demo", "share", "--dry-run");
  assert.match(dry.stdout, new RegExp(`^share/${name}:\\n  copy the image to ${out}\\n`));
  assert.equal(
    (await pim("deploy", "list")).stdout,
    "Nothing was deployed yet. Try: pim deploy run PROFILE TARGET\n",
  );
  assert.equal((await pim("deploy", "run", "demo", "share")).stdout, `${out}\n`);
  assert.match((await pim("deploy", "run", "demo", "share")).stderr, /it is there already/);
  assert.match(
    (await pim("deploy", "run", "demo", "share", "--dry-run")).stdout,
    /nothing: it is there already/,
  );
  assert.match((await pim("deploy", "list")).stdout, new RegExp(`share/${name} +file +done`));
  assert.match((await pim("deploy", "status")).stdout, new RegExp(`share/${name} +there`));
  const { pim_images } = JSON.parse((await pim("deploy", "output", "--format", "tfvars")).stdout);
  assert.equal(pim_images.share["demo-amd64"].ids.path, out);
  const shown = JSON.parse((await pim("deploy", "show", `share/${name}`, "--json")).stdout);
  assert.equal(shown.where, out);
  await Deno.remove(out);
  assert.match((await pim("deploy", "status", `share/${name}`)).stdout, /missing/);
  assert.match((await pim("deploy", "remove", `share/${name}`)).stdout, /^removed share\//);
  assert.deepEqual(JSON.parse((await pim("deploy", "list", "--json")).stdout), []);
});

Deno.test("a verification is planned, told and asked for on the command line, and refused where pim starts no instance", async () => {
  await using one = await command();
  const { place, pim } = one;
  const { name } = place.image.entry;
  const dry = async (...flags: string[]) =>
    JSON.parse((await pim("deploy", "run", "demo", "share", "--dry-run", "--json", ...flags)).stdout)[0]
      .actions
      .map(({ phase }: { phase: string }) => phase);
  assert.deepEqual(await dry(), ["upload", "register"]);
  assert.deepEqual(await dry("--verify"), ["upload", "register", "verify"]);
  await place.write({ "targets.d/files.yml": "share: { type: file, path: ../out, verify: true }\n" });
  assert.deepEqual(await dry(), ["upload", "register", "verify"]);
  assert.deepEqual(await dry("--no-verify"), ["upload", "register"]);
  assert.match((await pim("target", "show", "share")).stdout, /^verify +true$/m);
  assert.equal((await pim("deploy", "run", "demo", "share", "--no-verify")).code, 0);
  assert.deepEqual(await dry(), ["verify"]);
  assert.match((await pim("deploy", "list")).stdout, /share\/\S+ +file +done +no /);
  await place.write({ "targets.d/mac.yml": "mac: { type: utm, path: ../mac }\n" });
  const refused = await pim("deploy", "run", "demo", "mac", "--verify");
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /What is deployed to mac cannot be verified there\nhint: pim starts no instance at .* utm;/,
  );
  await Deno.remove(join(place.dir, "config", "out", `${name}.qcow2`));
  const gone = await pim("deploy", "verify", `share/${name}`);
  assert.equal(gone.code, 9);
  assert.match(
    gone.stderr,
    /Cannot verify share\/\S+: what was deployed is missing\nhint: Deploy it again: pim deploy run/,
  );
  assert.equal((await pim("deploy", "verify", "share/nothing")).code, 2);
});

Deno.test("of several targets one that fails does not keep the others from their turn", async () => {
  await using one = await command();
  const { stdout, stderr, code } = await one.pim("deploy", "run", "demo", "bad", "share");
  assert.equal(code, 9);
  assert.match(stdout, /\/out\/demo-amd64/);
  assert.match(stderr, /bad\/demo-.*Cannot write \/proc\/x/);
  assert.match(stderr, /1 of 2 deployments failed/);
});

Deno.test("targets are listed, shown and checked, and names that are wrong are told by the nearest", async () => {
  await using one = await command();
  const { pim } = one;
  assert.match((await pim("target", "list")).stdout, /share +file +a file in a folder/);
  assert.equal(JSON.parse((await pim("target", "show", "share", "--json")).stdout).type, "file");
  assert.equal((await pim("target", "check", "share")).code, 0);
  const bad = await pim("target", "check", "bad");
  assert.deepEqual([bad.code, /bad +folder +problem/.test(bad.stdout)], [9, true]);
  const wrong = [["deploy", "run", "demo", "shar"], ["deploy", "show", "share/x"], [
    "deploy",
    "run",
    "dem",
    "share",
  ]];
  for (const args of wrong) assert.equal((await pim(...args)).code, 2, args.join(" "));
  assert.match((await pim("deploy", "run", "demo")).stderr, /TARGET/);
});

Deno.test("one target of several that fails keeps no other from its turn, and says what to do, in a dry run too", async () => {
  await using one = await command();
  await one.place.write({
    "targets.d/more.yml":
      "hub: { type: aws, region: eu-central-1, bucket: images, access_key_id: $UNSET, secret_access_key: $UNSET }\n",
  });
  const { name } = one.place.image.entry;
  for (const more of [["--dry-run"], []]) {
    const { code, stdout, stderr } = await one.pim("deploy", "run", "demo", "hub", "share", ...more);
    assert.equal(code, 2);
    assert.match(stdout, new RegExp(`${name}\\.qcow2`));
    assert.match(
      stderr,
      new RegExp(`^warning: hub/${name}: .*\\$UNSET is not in the environment\nhint: Set it: export UNSET=`),
    );
    assert.match(stderr, /error: 1 of 2 deployments failed; the warnings above say why\n$/);
  }
});

Deno.test("a deployment is asked for by its target or its profile, and the whole names are told", async () => {
  await using one = await command();
  const { name } = one.place.image.entry;
  await one.pim("deploy", "run", "demo", "share");
  for (const part of ["share", "demo", name]) {
    const { code, stderr } = await one.pim("deploy", "show", part);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`hint: Did you mean share/${name}\\?`));
  }
});

Deno.test("when several targets cannot be used, all of them are named", async () => {
  await using one = await command();
  await one.place.write({ "targets.d/more.yml": "worse: { type: file, path: /proc/y }\n" });
  const { code, stderr } = await one.pim("target", "check");
  assert.equal(code, 9);
  assert.match(stderr, /^error: 2 of 3 targets cannot be used: bad, worse\nhint: .*pim target check bad\n$/);
});
