import { equal, match, ok, rejects } from "node:assert/strict";
import { findBuild, findKeptDisk, type FoundBuild } from "../../lib/build/find_build.ts";
import { openWorkspace } from "../../lib/build/workspace.ts";
import { UsageError } from "../../lib/errors.ts";
import { updateRegistry } from "../../lib/image/registry.ts";
import { registryFile } from "../../lib/paths.ts";
import { sampleImage } from "../image/sample.ts";
import { type Places, places } from "./places.ts";

/** A folder that a failed build left. */
async function failedBuild(place: Places, name: string, keep: "logs" | "everything" = "logs"): Promise<void> {
  await using workspace = await openWorkspace(place.paths, name);
  ok(workspace);
  await Deno.writeTextFile(workspace.files.disk, "disk");
  workspace.keep(keep);
}

async function image(place: Places, profile: string, date: Date): Promise<void> {
  await updateRegistry(registryFile(place.paths), (registry) => registry.add(sampleImage(profile, date)));
}

const name = ({ kind, name }: FoundBuild) => `${kind} ${name}`;

Deno.test("a build is found by its name or its profile: the one that runs, else the latest of which something is left", async () => {
  await using place = await places();
  const config = await place.config();
  await rejects(findBuild(config), (error) => {
    ok(error instanceof UsageError);
    equal(error.message, "There is no build yet");
    return true;
  });
  await failedBuild(place, "web-amd64-20260101T000000Z");
  await image(place, "web", new Date("2026-01-02T00:00:00Z"));
  await failedBuild(place, "db-amd64-20260103T000000Z");
  equal(name(await findBuild(config, "web")), "image web-amd64-20260102T000000Z");
  equal(name(await findBuild(config)), "folder db-amd64-20260103T000000Z");
  equal(name(await findBuild(config, "web-amd64-20260101T000000Z")), "folder web-amd64-20260101T000000Z");
  {
    await using running = await openWorkspace(place.paths, "web-arm64-20260101T120000Z");
    ok(running);
    equal(name(await findBuild(config, "web")), "folder web-arm64-20260101T120000Z");
    equal(name(await findBuild(config)), "folder web-arm64-20260101T120000Z");
  }
  await rejects(findBuild(config, "wbe"), (error) => {
    ok(error instanceof UsageError);
    match(error.hint ?? "", /Did you mean web\?/);
    return true;
  });
});

Deno.test("the disk to look at is that of the latest failed build which has kept one", async () => {
  await using place = await places();
  const config = await place.config();
  await failedBuild(place, "web-amd64-20260101T000000Z", "everything");
  await failedBuild(place, "web-amd64-20260102T000000Z");
  await failedBuild(place, "db-arm64-20260103T000000Z", "everything");
  await failedBuild(place, "ci-amd64-20260104T000000Z");
  await using running = await openWorkspace(place.paths, "web-amd64-20260105T000000Z");
  ok(running);
  equal((await findKeptDisk(config)).name, "db-arm64-20260103T000000Z");
  equal((await findKeptDisk(config, "db")).architecture, "arm64");
  equal((await findKeptDisk(config, "web")).name, "web-amd64-20260101T000000Z");
  const refused: readonly (readonly [string, RegExp])[] = [
    ["ci", /The disk of the failed build ci-amd64-20260104T000000Z was not kept/],
    ["new", /There is no failed build of "new"/],
  ];
  for (const [text, message] of refused) {
    await rejects(findKeptDisk(config, text), (error) => {
      ok(error instanceof UsageError);
      match(error.message, message);
      match(error.hint ?? "", new RegExp(`pim build run ${text} --on-error keep`));
      return true;
    });
  }
});
