import assert from "node:assert/strict";
import { join } from "node:path";
import { readCommit } from "../../lib/commit.ts";
import { run } from "../../lib/process.ts";
import { tempDir } from "./temp.ts";

async function repository() {
  const dir = await tempDir({ "main.ts": "1\n", "vendored/main.ts": "2\n" });
  const git = (...args: string[]) =>
    run(["git", "-C", dir.path, "-c", "user.name=A", "-c", "user.email=a@example.org", ...args], {
      env: { GIT_COMMITTER_DATE: "2026-02-03T04:05:06+02:00", GIT_CONFIG_GLOBAL: "/dev/null" },
    });
  await git("init", "--quiet");
  await git("add", ".");
  await git("commit", "--quiet", "--message", "Begin");
  const { stdout } = await git("rev-parse", "HEAD");
  return { ...dir, hash: stdout.trim() };
}

Deno.test("a checkout tells its commit, with the time of the commit in UTC", async () => {
  await using dir = await repository();
  assert.deepEqual(await readCommit(dir.path), {
    hash: dir.hash,
    changed: false,
    date: "2026-02-03T02:05:06Z",
  });
});

Deno.test("a changed file is told, a new one that git does not know is not", async () => {
  await using dir = await repository();
  await dir.write("new.ts", "");
  assert.equal((await readCommit(dir.path))?.changed, false);
  await dir.write("main.ts", "3\n");
  assert.equal((await readCommit(dir.path))?.changed, true);
});

Deno.test("SOURCE_DATE_EPOCH takes the place of the commit's time, unless it is no number", async () => {
  await using dir = await repository();
  assert.equal((await readCommit(dir.path, "86400"))?.date, "1970-01-02T00:00:00Z");
  assert.equal((await readCommit(dir.path, "yesterday"))?.date, "2026-02-03T02:05:06Z");
  assert.equal((await readCommit(dir.path, ""))?.date, "2026-02-03T02:05:06Z");
});

Deno.test("sources that are no repository of their own have no commit", async () => {
  await using outside = await tempDir({ "main.ts": "" });
  assert.equal(await readCommit(outside.path), undefined);
  await using dir = await repository();
  assert.equal(await readCommit(join(dir.path, "vendored")), undefined);
});
