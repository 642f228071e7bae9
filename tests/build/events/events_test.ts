import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { briefEvent, describeEvent, openBuildLog } from "../../../lib/build/events/build_log.ts";
import { type BuildEvent, emitter, type TimedEvent } from "../../../lib/build/events/events.ts";
import { configureLog, hideSecret } from "../../../lib/log.ts";
import { tempDir } from "../../base/temp.ts";

Deno.test("secrets are hidden in what is said, and nowhere else", () => {
  const heard: TimedEvent[] = [];
  const emit = emitter("b", [(event) => heard.push(event)]);
  hideSecret("output");
  hideSecret("s3cret-42");
  emit({ type: "output", step: "script output", line: "the output is s3cret-42" });
  emit({ type: "progress", step: "install", text: "s3cret-42", fraction: 0.42 });
  emit({
    type: "build-failed",
    step: "install",
    code: "failed",
    reason: "s3cret-42!",
    hint: "not s3cret-42",
    exitCode: 1,
  });
  deepEqual(heard.map(({ time: _, build: __, ...event }) => event), [
    { type: "output", step: "script output", line: "the *** is ***" },
    { type: "progress", step: "install", text: "***", fraction: 0.42 },
    { type: "build-failed", step: "install", code: "failed", reason: "***!", hint: "not ***", exitCode: 1 },
  ]);
  deepEqual(new Set(heard.map(({ build }) => build)), new Set(["b"]));
  match(heard[0]?.time ?? "", /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

Deno.test("a listener that throws is told of once and left out; the others go on", () => {
  const warnings: string[] = [];
  configureLog({ write: (line) => warnings.push(line) });
  const heard: string[] = [];
  let calls = 0;
  const emit = emitter("b", [
    () => {
      calls++;
      throw new Error("No space left on device");
    },
    (event) => heard.push(event.type),
  ]);
  const event: BuildEvent = { type: "progress", step: "install", text: "…" };
  emit(event);
  emit(event);
  configureLog({ write: () => {} });
  equal(calls, 1);
  deepEqual(heard, ["progress", "progress"]);
  equal(warnings.length, 1);
  match(warnings[0] ?? "", /The build goes on, .* No space left on device/);
});

const time = "2026-01-02T03:04:05.678Z";
const build = "b";
const sample: readonly (readonly [BuildEvent, string])[] = [
  [
    { type: "build-started", profile: "web", architecture: "amd64", steps: ["one", "two"] },
    "build b of profile web for amd64: one, two",
  ],
  [{ type: "step-started", step: "one", index: 1, total: 2 }, "[1/2] one"],
  [{ type: "progress", step: "one", text: "copying", fraction: 0.999 }, "one: copying 99 %"],
  [{ type: "progress", step: "one", text: "partitioning" }, "one: partitioning"],
  [{ type: "output", step: "one", line: "  indented" }, "one |   indented"],
  [{ type: "step-finished", step: "one", elapsedMs: 1234 }, "one: done in 1.2 s"],
  [
    { type: "build-finished", image: "i", path: "/i.qcow2", bytes: 5, elapsedMs: 60_000 },
    "built /i.qcow2 (5 bytes) in 60.0 s",
  ],
  [
    { type: "build-failed", step: "two", code: "failed", reason: "it broke", exitCode: 1 },
    "failed in step two: it broke",
  ],
];

Deno.test("every event has one line of words", () => {
  for (const [event, line] of sample) equal(describeEvent({ time, build, ...event }), line);
});

Deno.test("a build log holds each event as words and as NDJSON, for its owner only", async () => {
  await using temp = await tempDir();
  const dir = temp.path;
  const paths = { text: join(dir, "build.log"), ndjson: join(dir, "build.ndjson") };
  {
    using log = openBuildLog(paths);
    for (const [event] of sample) log.listen({ time, build, ...event });
  }
  equal(await Deno.readTextFile(paths.text), sample.map(([, line]) => `${time} ${line}\n`).join(""));
  deepEqual(
    (await Deno.readTextFile(paths.ndjson)).trimEnd().split("\n").map((line) => JSON.parse(line)),
    sample.map(([event]) => ({ time, build, ...event })),
  );
  for (const path of Object.values(paths)) equal((await Deno.stat(path)).mode! & 0o777, 0o600);
});

Deno.test("a build goes on when the disk of its log is full", () => {
  const warnings: string[] = [];
  configureLog({ write: (line) => warnings.push(line) });
  using log = openBuildLog({ text: "/dev/full", ndjson: "/dev/null" });
  const emit = emitter("b", [log.listen]);
  emit({ type: "progress", step: "one", text: "…" });
  emit({ type: "progress", step: "one", text: "…" });
  configureLog({ write: () => {} });
  equal(warnings.length, 1);
  match(warnings[0] ?? "", /No space left/);
});

Deno.test("a failure in one line ends with what it says itself, not with the words that lead to more lines", () => {
  const failed = (reason: string) =>
    briefEvent({
      type: "build-failed",
      step: "script motd",
      code: "script-failed",
      exitCode: 7,
      reason,
      build: "web",
      time: "2026-11-26T07:00:00Z",
    });
  equal(
    failed("The script motd exited with 3. Its last lines:\n  | oops"),
    "failed in step script motd: The script motd exited with 3",
  );
  equal(failed("QEMU is gone"), "failed in step script motd: QEMU is gone");
});
