// Commands that had to wait for another pim, which has gone on with the same deployment meanwhile.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { removeDeployment } from "../../lib/deploy/deploy.ts";
import { verifyDeployment } from "../../lib/deploy/verify.ts";
import { lockFile } from "../../lib/files.ts";
import { forgetDeployment, putDeployment } from "../../lib/image/deployments.ts";
import { configureLog } from "../../lib/log.ts";
import { deployLock, registryFile } from "../../lib/paths.ts";
import { vmPlaces } from "../../lib/vm/places.ts";
import { imagePlace } from "./image_place.ts";
import { verifyingWith } from "./verifying.ts";

const said: string[] = [];
configureLog({ write: (line) => void said.push(line) });

const targets = { "share.yml": "share: { type: file, path: ../out }\n" };

Deno.test("a removal that had to wait removes what was made meanwhile, too, and says what it waits for", async () => {
  await using place = await imagePlace(targets);
  const { paths } = place;
  const deployment = await place.deploy("share");
  // As it was when only the first thing of it was made.
  await putDeployment(registryFile(paths), { ...deployment, ids: {}, state: "unfinished" });
  const [before] = await place.deployments();
  const other = await lockFile(deployLock(paths, "share", deployment.image));
  const removing = removeDeployment(before!, await place.target("share"), { paths, tools: place.tools() });
  for (let tries = 0; !said.some((line) => line.includes("another pim works on it")); tries++) {
    assert.ok(tries < 4000, "it does not say that it waits");
    await new Promise((go) => setTimeout(go, 5));
  }
  await putDeployment(registryFile(paths), deployment);
  await other[Symbol.asyncDispose]();
  await removing;
  assert.deepEqual([...Deno.readDirSync(dirname(deployment.where))], []);
  assert.deepEqual(await place.deployments(), []);
});

Deno.test("a verification does not bring back what was forgotten while it waited", async () => {
  await using place = await imagePlace(targets);
  const deployment = await place.deploy("share");
  const target = await place.target("share");
  const { paths, image: { entry } } = place;
  await forgetDeployment(registryFile(paths), deployment.id);
  const verifying = verifyingWith(await vmPlaces(await place.config()), 100);
  await assert.rejects(
    verifyDeployment(deployment, target, entry, { paths, tools: place.tools(), verifying, onEvent() {} }),
    { name: "DeployError", message: /what was deployed is missing/, hint: /pim deploy run/ },
  );
  assert.deepEqual(await place.deployments(), []);
});

Deno.test("what was deployed is not forgotten when its target becomes one of another type", async () => {
  await using place = await imagePlace(targets);
  const deployment = await place.deploy("share");
  const settings = join(place.paths.configDir, "targets.d", "share.yml");
  await Deno.writeTextFile(settings, "share: { type: utm, path: ../machines }\n");
  const refused = {
    name: "UsageError",
    message: /was deployed to a target of type file, and share is now utm/,
    hint: /pim deploy remove share\/\S+ --forget/,
  };
  await assert.rejects(place.deploy("share"), refused);
  const options = { paths: place.paths, tools: place.tools() };
  await assert.rejects(removeDeployment(deployment, await place.target("share"), options), refused);
  assert.deepEqual(await place.deployments(), [deployment]);
});
