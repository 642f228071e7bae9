import { deepEqual, equal, match } from "node:assert/strict";
import { lockFile } from "../../lib/files.ts";
import { buildLock } from "../../lib/paths.ts";
import { openWorkspace } from "../../lib/build/workspace.ts";
import { type PimResult, startPim } from "../e2e/pim.ts";
import { type Places, places } from "./places.ts";
import { makeIso, smallConfig } from "./states.ts";

function pim(place: Places, ...args: readonly string[]): Promise<PimResult> {
  return startPim(args, { env: place.env }).result;
}

const twoProfiles = { ...smallConfig(), "profiles.d/db.ts": 'export default { iso: "small" };\n' };

Deno.test("a mistake in one of several builds is told before any of them begins", async () => {
  await using place = await places(twoProfiles);
  const [misspelt, jobs, none] = await Promise.all([
    pim(place, "build", "run", "web", "bd", "--arch", "amd64"),
    pim(place, "build", "run", "web", "db", "--jobs", "0"),
    pim(place, "build", "run"),
  ]);
  equal(misspelt.code, 2);
  equal(misspelt.stderr, "error: There is no profile bd\nhint: There is: db, web\n");
  equal(jobs.code, 2);
  match(jobs.stderr, /at least one build has to run at a time/);
  equal(none.code, 2);
});

Deno.test("a dry run of several builds prints each plan once", async () => {
  await using place = await places(twoProfiles);
  const args = ["build", "run", "web", "db", "web", "--arch", "amd64", "--dry-run"];
  const [text, json] = await Promise.all([pim(place, ...args), pim(place, ...args, "--json")]);
  equal(text.stdout.match(/^image +/gm)?.length, 2);
  deepEqual(JSON.parse(json.stdout).map(({ profile }: { profile: string }) => profile), ["web", "db"]);
});

Deno.test("of several builds that fail each is told of by name, and then how many", async () => {
  await using place = await places(twoProfiles);
  await makeIso(place, { "readme": "x" });
  const result = await pim(place, "build", "run", "web", "db", "--arch", "amd64", "--jobs", "2");
  equal(result.code, 2, result.stderr);
  equal(result.stdout, "");
  for (const name of ["web", "db"]) {
    match(result.stderr, new RegExp(`^${name}: \\[1/\\d+\\] check host$`, "m"));
    match(result.stderr, new RegExp(`^${name}: error: The build failed in step extract kernel: `, "m"));
  }
  match(result.stderr, /^error: 2 of 2 builds failed: (web, db|db, web)\n$/m);
});

Deno.test("a build waits for another one of its profile, or says so at once with --no-wait", async () => {
  await using place = await places(smallConfig());
  await makeIso(place, { "readme": "x" });
  const other = await lockFile(buildLock(place.paths, "web", "amd64"));
  const refused = await pim(place, "build", "run", "web", "--arch", "amd64", "--no-wait");
  equal(refused.code, 3, refused.stderr);
  match(refused.stderr, /^error: The profile web is being built already\nhint: .*--no-wait/m);
  const waiting = Promise.withResolvers<void>();
  const { result } = startPim(["build", "run", "web", "--arch", "amd64"], {
    env: place.env,
    onLine: (line) => /is being built already; waiting/.test(line) && waiting.resolve(),
  });
  await Promise.race([waiting.promise, result]);
  await other[Symbol.asyncDispose]();
  match((await result).stderr, /failed in step extract kernel/);
});

Deno.test("the log of a failed build is printed as words, as events, by its last lines", async () => {
  await using place = await places(smallConfig());
  const name = "web-amd64-20260101T000000Z";
  {
    await using workspace = await openWorkspace(place.paths, name);
    await Deno.writeTextFile(workspace?.files.buildLog ?? "", "first\nsecond\nthird\n");
    await Deno.writeTextFile(workspace?.files.events ?? "", '{"type":"progress"}\n');
    workspace?.keep("logs");
  }
  const [words, last, json, console, both, unknown] = await Promise.all([
    pim(place, "build", "log"),
    // Nothing more will come: following ends at once.
    pim(place, "build", "log", "web", "-n", "1", "-f"),
    pim(place, "build", "log", name, "--json"),
    pim(place, "build", "log", "web", "--console"),
    pim(place, "build", "log", "web", "--console", "--json"),
    pim(place, "build", "log", "wbe"),
  ]);
  equal(words.stdout, "first\nsecond\nthird\n");
  equal(last.stdout, "third\n");
  equal(json.stdout, '{"type":"progress"}\n');
  equal(console.code, 1);
  match(console.stderr, /^error: There is no such log of web-amd64-20260101T000000Z yet: /);
  equal(both.code, 2);
  match(both.stderr, /^error: --console and --json exclude each other$/m);
  equal(unknown.code, 2);
  match(unknown.stderr, /Did you mean web\?/);
});
