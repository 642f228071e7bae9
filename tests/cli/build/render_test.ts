import { deepEqual, equal } from "node:assert/strict";
import type { BuildEvent, TimedEvent } from "../../../lib/build/events/events.ts";
import {
  type FormatMs,
  liveBuilds,
  liveChange,
  liveLine,
  type LiveStep,
  plainLines,
} from "../../../lib/cli/build/lines.ts";
import { buildRenderer, type RenderMode } from "../../../lib/cli/build/render.ts";

const timed = (event: BuildEvent): TimedEvent => ({ time: "2026-01-02T03:04:05.678Z", build: "b", ...event });

const recorded: readonly TimedEvent[] = ([
  {
    type: "build-started",
    profile: "web",
    architecture: "amd64",
    steps: ["flatten", "register"],
  },
  { type: "step-started", step: "flatten", index: 1, total: 2 },
  { type: "progress", step: "flatten", text: "copying", fraction: 0.01 },
  { type: "progress", step: "flatten", text: "copying", fraction: 0.05 },
  { type: "progress", step: "flatten", text: "copying", fraction: 0.52 },
  { type: "progress", step: "flatten", text: "hashing" },
  { type: "output", step: "flatten", line: "  a line" },
  { type: "step-finished", step: "flatten", elapsedMs: 2500 },
  { type: "step-started", step: "register", index: 2, total: 2 },
  { type: "step-finished", step: "register", elapsedMs: 12 },
  { type: "build-finished", image: "b", path: "/b.qcow2", bytes: 5, elapsedMs: 61_000 },
] satisfies BuildEvent[]).map(timed);

const failed = timed({
  type: "build-failed",
  code: "failed",
  step: "register",
  reason: "it broke",
  exitCode: 1,
});

Deno.test("plain lines repeat no progress and leave the failure to the error that ends the command", () => {
  const lineOf = plainLines(false);
  deepEqual([...recorded, failed].map(lineOf).filter((line) => line !== undefined), [
    "build b of profile web for amd64: flatten, register",
    "[1/2] flatten",
    "flatten: copying 1 %",
    "flatten: hashing",
    "flatten |   a line",
    "flatten: done in 2.5 s",
    "[2/2] register",
    "register: done in 0.0 s",
    "built /b.qcow2 (5 bytes) in 61.0 s",
  ]);
});

Deno.test("plain lines tell the share of long work every ten seconds", () => {
  const lineOf = plainLines(false);
  const lines = [0, 4, 9, 10, 15, 21].map((second) =>
    lineOf({
      type: "progress",
      step: "ensure ISO",
      text: "downloading",
      fraction: second / 100,
      build: "b",
      time: new Date(second * 1000).toISOString(),
    })
  );
  deepEqual(lines.filter((line) => line !== undefined), [
    "ensure ISO: downloading 0 %",
    "ensure ISO: downloading 10 %",
    "ensure ISO: downloading 21 %",
  ]);
});

const format: FormatMs = (ms, precision) => precision === "exact" ? `${ms} ms` : `${Math.round(ms / 1000)} s`;

Deno.test("a terminal has one line for the running step, and what is done above it", () => {
  let step: LiveStep | undefined;
  let nowMs = 0;
  const above: string[] = [];
  const line = recorded.map((event) => {
    const change = liveChange(step, event, { nowMs: nowMs += 1000, format, name: "" });
    step = change.step;
    if (change.above !== undefined) above.push(change.above);
    return step && liveLine(step, nowMs, 80, format);
  });
  deepEqual(line, [
    undefined,
    "[1/2] flatten  0 s",
    "[1/2] flatten  1 s  copying 1 %",
    "[1/2] flatten  2 s  copying 5 %",
    "[1/2] flatten  3 s  copying 52 %",
    "[1/2] flatten  4 s  hashing",
    "[1/2] flatten  5 s  hashing",
    undefined,
    "[2/2] register  0 s",
    undefined,
    undefined,
  ]);
  deepEqual(above, [
    "      a line",
    "[1/2] flatten  2500 ms  hashing",
    "[2/2] register  12 ms",
    "built b in 61 s",
  ]);
  deepEqual(liveChange({ label: "x", startedMs: 0, text: "" }, failed, { nowMs: 0, format, name: "" }), {
    step: undefined,
  });
});

Deno.test("the redrawn line is cut to the terminal's width", () => {
  const step: LiveStep = { label: "[1/2] flatten", startedMs: 0, text: "x".repeat(200) };
  equal(liveLine(step, 0, 60, format).length, 59);
});

Deno.test("what earlier builds took is told: how far the step is, and how long the build will take", () => {
  const outlook: readonly TimedEvent[] = ([
    { type: "step-started", step: "install", index: 6, total: 12, expectedMs: 100_000, leftMs: 140_000 },
    { type: "progress", step: "install", text: "partitioning", stepFraction: 0.25, leftMs: 115_000 },
    { type: "progress", step: "install", text: "copying", fraction: 0.5, stepFraction: 0.99, leftMs: 40_000 },
  ] satisfies BuildEvent[]).map(timed);
  deepEqual(outlook.map(plainLines(false)), [
    "[6/12] install (about 2 min left)",
    "install: partitioning (25 %, about 2 min left)",
    "install: copying 50 % (99 %, about 40 s left)",
  ]);
  const builds = liveBuilds(false, format);
  const shown = outlook.map((event, index) => {
    builds.apply(event, [0, 25_000, 110_000][index] ?? 0);
    // A second later the line has gone on by itself.
    return builds.lines([1000, 26_000, 111_000][index] ?? 0, 120);
  });
  deepEqual(shown.flat(), [
    "[6/12] install  1 s  1 %, about 2 min left",
    "[6/12] install  26 s  26 %, about 2 min left  partitioning",
    "[6/12] install  111 s  99 %, about 40 s left  copying 50 %",
  ]);
});

/** Two builds that run at a time: one is finished, one fails. */
const two: readonly TimedEvent[] = [
  ...recorded.slice(0, 3),
  ...([
    { type: "build-started", profile: "db", architecture: "amd64", steps: ["flatten", "register"] },
    { type: "step-started", step: "flatten", index: 1, total: 2 },
  ] satisfies BuildEvent[]).map((event) => ({ ...timed(event), build: "d" })),
  ...recorded.slice(7, 9),
  { ...failed, build: "d" },
  ...recorded.slice(9),
];

Deno.test("builds that run side by side have a line each, in the order in which they began", () => {
  const builds = liveBuilds(true, format);
  const above: string[] = [];
  const lines = two.map((event) => {
    const line = builds.apply(event, 0);
    if (line !== undefined) above.push(line);
    return builds.lines(0, 80);
  });
  const web = "web: [1/2] flatten  0 s";
  const db = "db: [1/2] flatten  0 s";
  deepEqual(lines, [
    [],
    [web],
    [`${web}  copying 1 %`],
    [`${web}  copying 1 %`],
    [`${web}  copying 1 %`, db],
    [db],
    ["web: [2/2] register  0 s", db],
    ["web: [2/2] register  0 s"],
    [],
    [],
  ]);
  deepEqual(above, [
    "web: [1/2] flatten  2500 ms  copying",
    "web: [2/2] register  12 ms",
    "web: built b in 61 s",
  ]);
});

Deno.test("plain lines of several builds name the profile that they are of", () => {
  deepEqual(two.map(plainLines(true)).filter((line) => line !== undefined), [
    "web: build b of profile web for amd64: flatten, register",
    "web: [1/2] flatten",
    "web: flatten: copying 1 %",
    "db: build d of profile db for amd64: flatten, register",
    "db: [1/2] flatten",
    "web: flatten: done in 2.5 s",
    "web: [2/2] register",
    "web: register: done in 0.0 s",
    "web: built /b.qcow2 (5 bytes) in 61.0 s",
  ]);
});

/** What a renderer writes: to stdout and to stderr. */
async function rendered(mode: RenderMode): Promise<{ out: string[]; err: string[] }> {
  const [out, err]: [string[], string[]] = [[], []];
  using renderer = await buildRenderer({
    mode,
    several: false,
    print: (line) => void out.push(line),
    say: (line) => void err.push(line),
  });
  for (const event of recorded) renderer.listen(event);
  renderer.console("web", "Debian GNU/Linux 12");
  return { out, err };
}

Deno.test("NDJSON goes to stdout, one event a line; the console goes to stderr", async () => {
  const { out, err } = await rendered("json");
  deepEqual(out.map((line) => JSON.parse(line)), recorded);
  deepEqual(err, ["console | Debian GNU/Linux 12"]);
});

Deno.test("plain and quiet renderers write nothing to stdout", async () => {
  const plain = await rendered("plain");
  deepEqual(plain.out, []);
  equal(plain.err.length, 10);
  equal(plain.err.at(-1), "console | Debian GNU/Linux 12");
  deepEqual(await rendered("quiet"), { out: [], err: ["console | Debian GNU/Linux 12"] });
});
