import assert from "node:assert/strict";
import { join } from "node:path";
import { allActions } from "../../lib/deploy/all_actions.ts";
import { lookAhead, removeDeployment } from "../../lib/deploy/deploy.ts";
import type { DeployEvent } from "../../lib/deploy/events.ts";
import { putDeployment } from "../../lib/image/deployments.ts";
import { registryFile } from "../../lib/paths.ts";
import { type ImagePlace, imagePlace } from "./image_place.ts";

interface Share extends ImagePlace {
  set(settings: string): Promise<void>;
  /** The files in the folders `one` and `two`, without what the image's name begins with. */
  files(): string[];
  /** What `--dry-run` prints. */
  planned(): Promise<readonly string[]>;
  /** Deploys until the first thing is at its place. */
  cutShort(): Promise<void>;
}

async function share(settings: string): Promise<Share> {
  const text = (more: string) => `share: { type: file, ${more} }\n`;
  const place = await imagePlace({ "share.yml": text(settings) }, { efiVars: true });
  const files = (folder: string) => {
    try {
      return [...Deno.readDirSync(join(place.paths.configDir, folder))].map(({ name }) =>
        `${folder}/${name}`
      );
    } catch {
      return [];
    }
  };
  return {
    ...place,
    set: (more) => Deno.writeTextFile(join(place.paths.configDir, "targets.d", "share.yml"), text(more)),
    files: () =>
      [...files("one"), ...files("two")].map((path) => path.replace(place.image.entry.name, "X")).sort(),
    async cutShort() {
      const stop = new AbortController();
      const onEvent = ({ type }: DeployEvent) => type === "action-finished" && stop.abort();
      await assert.rejects(place.deploy("share", { signal: stop.signal, onEvent }));
    },
    async planned() {
      const target = await place.target("share");
      await using opened = target.open(place.tools());
      const { plan } = await lookAhead(target, opened, place.image, { paths: place.paths, force: false });
      return plan?.actions.map(({ text }) =>
        text.replaceAll(place.paths.configDir, "").replaceAll(place.image.entry.name, "X")
      ) ??
        [];
    },
  };
}

Deno.test("an image goes where the settings lead now, and is removed from where they led before", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../two");
  assert.equal((await place.planned()).at(-1), "remove /one/X.qcow2, where it was before");
  assert.equal((await place.deploy("share")).ids.path?.includes("/two/"), true);
  assert.deepEqual(place.files(), ["two/X-efi-vars.fd", "two/X.qcow2", "two/X.qcow2.sha256"]);
  assert.deepEqual(await place.planned(), [], "there is nothing left to do");
});

Deno.test("in another format it takes the place of the one before, and what both share stays", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../one, format: vmdk");
  await place.deploy("share");
  assert.deepEqual(place.files(), ["one/X-efi-vars.fd", "one/X.vmdk", "one/X.vmdk.sha256"]);
});

Deno.test("a file that is to be written otherwise under its name is written anew", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../one, compress: false");
  assert.match((await place.planned())[0] ?? "", /write it as qcow2/);
  await place.deploy("share");
  assert.deepEqual(place.files(), ["one/X-efi-vars.fd", "one/X.qcow2", "one/X.qcow2.sha256"]);
  assert.deepEqual(await place.planned(), []);
});

Deno.test("what somebody has changed since stays where it was, and the plan says so", async () => {
  await using place = await share("path: ../one");
  const { ids } = await place.deploy("share");
  await Deno.writeTextFile(ids.path ?? "", "mine");
  await place.set("path: ../two");
  assert.equal(
    (await place.planned()).at(-1),
    "leave /one/X.qcow2 as it is: it has changed since it was deployed",
  );
  await place.deploy("share");
  assert.equal(await Deno.readTextFile(ids.path ?? ""), "mine");
  assert.deepEqual(await place.planned(), []);
});

Deno.test("a deployment that failed on its way elsewhere still knows what to remove, as often as it moves", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../two, format: raw");
  await place.cutShort();
  const [left] = await place.deployments();
  assert.equal(left?.state, "unfinished");
  assert.equal(left?.former?.length, 1);
  await place.set("path: ../two");
  await place.deploy("share");
  assert.deepEqual(place.files(), ["two/X-efi-vars.fd", "two/X.qcow2", "two/X.qcow2.sha256"]);
  assert.equal((await place.deployments())[0]?.former, undefined);
});

Deno.test("settings that lead back to where it was before leave it there", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../two");
  await place.cutShort();
  await place.set("path: ../one");
  await place.deploy("share");
  assert.deepEqual(place.files(), ["one/X-efi-vars.fd", "one/X.qcow2", "one/X.qcow2.sha256"]);
});

Deno.test("removing a deployment removes what it has made before, too", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../two");
  await place.cutShort();
  const [left] = await place.deployments();
  assert.ok(left);
  await removeDeployment(left, await place.target("share"), { paths: place.paths, tools: place.tools() });
  assert.deepEqual(place.files(), []);
});

Deno.test("what is elsewhere goes only when the new one was found right", async () => {
  await using place = await share("path: ../one");
  await place.deploy("share");
  await place.set("path: ../two");
  await using opened = (await place.target("share")).open(place.tools());
  const outlook = await lookAhead(await place.target("share"), opened, place.image, {
    paths: place.paths,
    force: false,
  });
  const phases = allActions(outlook.plan!, opened, true).map(({ phase }) => phase);
  assert.deepEqual(phases.slice(-2), ["verify", "remove"]);
});

Deno.test("what was found wrong at its new place is not written there again, and the old one still waits", async () => {
  await using place = await share("path: ../one");
  const { where, sha256, ids, place: at } = await place.deploy("share");
  await place.set("path: ../two");
  const deployment = await place.deploy("share");
  // As a verification leaves it that has failed.
  await putDeployment(registryFile(place.paths), {
    ...{ ...deployment, state: "unfinished", verified: { ok: false, time: deployment.time } },
    former: [{ where, sha256, ids, place: at! }],
  });
  assert.deepEqual(await place.planned(), ["remove /one/X.qcow2, where it was before"]);
  const done = await place.deploy("share");
  assert.deepEqual([done.state, done.verified?.ok, done.former], ["done", false, undefined]);
});
