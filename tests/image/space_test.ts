import assert from "node:assert/strict";
import { join } from "node:path";
import { exitCode, HostError } from "../../lib/errors.ts";
import { freeBytes, requireSpace } from "../../lib/image/space.ts";
import { run } from "../../lib/process.ts";
import { tempFolder } from "./sample.ts";

Deno.test("the free room is what df says, also for a folder that does not exist yet", async () => {
  await using folder = await tempFolder();
  const df = async () =>
    Number((await run(["df", "--output=avail", "-B1", folder.path])).stdout.trim().split("\n").at(-1));
  // Others write to the same disk meanwhile: within 1 GiB is near enough.
  const near = Math.abs(await freeBytes(join(folder.path, "not", "yet")) - await df());
  assert(near < 2 ** 30, `${near} bytes apart`);
});

Deno.test("enough room passes", async () => {
  await using folder = await tempFolder();
  await requireSpace([{ dir: folder.path, bytes: 1, what: "a byte" }]);
  await requireSpace([]);
});

Deno.test("two needs that fit alone but not together are refused with their sum", async () => {
  await using folder = await tempFolder();
  const free = await freeBytes(folder.path);
  const bytes = Math.floor(free * 0.75);
  await requireSpace([{ dir: folder.path, bytes, what: "one" }]);
  const needs = [
    { dir: join(folder.path, "a"), bytes, what: "the disk of the build" },
    { dir: join(folder.path, "b"), bytes, what: "the finished image" },
  ];
  await assert.rejects(requireSpace(needs), (error: unknown) => {
    assert(error instanceof HostError);
    assert.equal(error.exitCode, exitCode.host);
    const size = String.raw`[\d.]+ [KMGT]?i?B`;
    assert.match(
      error.message,
      new RegExp(
        `file system of .*a: ${size} for the disk of the build \\+ ${size} for the finished image = ${size} ` +
          `needed, ${size} free, ${size} missing`,
      ),
    );
    assert(error.hint);
    return true;
  });
});
