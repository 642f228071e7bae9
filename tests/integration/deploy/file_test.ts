import assert from "node:assert/strict";
import { DeployError } from "../../../lib/deploy/deploy_error.ts";
import { run } from "../../../lib/process.ts";
import { imagePlace } from "../../deploy/image_place.ts";
import { pim } from "../../e2e/pim.ts";

const mayMount = Deno.uid() === 0 && (await run(["unshare", "-m", "true"]).then(() => true, () => false));

Deno.test({
  name: "a folder without room gets nothing half-made, and the failure says where to make some (needs root)",
  ignore: !mayMount,
  async fn() {
    const small = await Deno.makeTempDir({ prefix: "pim-small-" });
    await run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", small]);
    try {
      await using place = await imagePlace({
        "small.yml": `share: { type: file, path: ${small} }\nmac: { type: utm, path: ${small} }\n`,
      });
      for (const target of ["share", "mac"]) {
        await assert.rejects(place.deploy(target), (error: unknown) => {
          assert.ok(error instanceof DeployError);
          assert.match(error.message, /No space left on device/);
          assert.equal(error.hint, `Make room there: df ${small}`);
          return true;
        });
        assert.deepEqual([...Deno.readDirSync(small)], []);
        assert.deepEqual(await place.deployments(), []);
      }
    } finally {
      await run(["umount", small]);
      await Deno.remove(small);
    }
  },
});

Deno.test("after a change of a target's settings the status tells it, and a dry run what would become of the old file", async () => {
  const share = (folder: string) => `share: { type: file, path: ../${folder} }\n`;
  await using place = await imagePlace({ "share.yml": share("one") });
  const { id, where } = await place.deploy("share");
  await place.write({ "targets.d/share.yml": share("two") });
  const status = JSON.parse((await pim(["deploy", "status", "--json"], { env: place.env })).stdout);
  assert.deepEqual(status, [{
    ...{ id, state: "changed" },
    detail: `the target's settings have changed: ${where.replace("/one/", "/two/")}, compressed`,
  }]);
  const dry = await pim(["deploy", "run", "demo", "share", "--dry-run"], { env: place.env });
  assert.ok(dry.stdout.includes(`remove ${where}, where it was before`), dry.stdout);
  const run = await pim(["deploy", "run", "demo", "share"], { env: place.env });
  assert.equal(run.code, 0, run.stderr);
  await assert.rejects(Deno.stat(where), Deno.errors.NotFound);
  const again = await pim(["deploy", "status", "--json"], { env: place.env });
  assert.deepEqual(JSON.parse(again.stdout), [{ id, state: "there", detail: "" }]);
});
