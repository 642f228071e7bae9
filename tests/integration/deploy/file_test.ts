import assert from "node:assert/strict";
import { DeployError } from "../../../lib/deploy/deploy_error.ts";
import { run } from "../../../lib/process.ts";
import { imagePlace } from "../../deploy/image_place.ts";

const mayMount = Deno.uid() === 0 && (await run(["unshare", "-m", "true"]).then(() => true, () => false));

Deno.test({
  name: "a folder without room gets nothing half-made, and the failure says where to make some (needs root)",
  ignore: !mayMount,
  async fn() {
    const small = await Deno.makeTempDir({ prefix: "pim-small-" });
    await run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", small]);
    try {
      await using place = await imagePlace({ "share.yml": `share: { type: file, path: ${small} }\n` });
      await assert.rejects(place.deploy("share"), (error: unknown) => {
        assert.ok(error instanceof DeployError);
        assert.match(error.message, /No space left on device/);
        assert.equal(error.hint, `Make room there: df ${small}`);
        return true;
      });
      assert.deepEqual([...Deno.readDirSync(small)], []);
      assert.deepEqual(await place.deployments(), []);
    } finally {
      await run(["umount", small]);
      await Deno.remove(small);
    }
  },
});
