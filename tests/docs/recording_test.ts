import assert from "node:assert/strict";
import { join } from "node:path";
import { readCast, type Recording, writeCast } from "../../docs/recording/cast.ts";
import { framesOf } from "../../docs/recording/frames.ts";
import { drawSvg } from "../../docs/recording/svg.ts";
import { root } from "../sources.ts";

const pace = { speed: 1, longestWait: 10, atPrompt: 2, framesPerSecond: 4 };

Deno.test("a recording becomes the screens that a terminal showed, in their colours", async () => {
  const events: Recording["events"] = [
    [0, "\x1b[1;32m$\x1b[0m pim\r\n"],
    [1, "one line"],
    [3, "\r\x1b[2Kanother"],
  ];
  const frames = await framesOf({ columns: 20, rows: 3, events }, pace);
  const texts = frames.map(({ lines }) =>
    lines.map((runs) => runs.reduce((line, { column, text }) => line.padEnd(column) + text, ""))
  );
  assert.deepEqual(texts, [["", "", ""], ["$ pim", "", ""], ["$ pim", "one line", ""], [
    "$ pim",
    "another",
    "",
  ]]);
  assert.deepEqual(frames[1]?.lines[0]?.[0], { column: 0, text: "$", colour: 2, bold: true, dim: false });
});

Deno.test("a recording is read as it was written", () => {
  const recording: Recording = { columns: 80, rows: 24, events: [[0.5, "ä\r\n"], [1.25, "\x1b[0m"]] };
  assert.deepEqual(readCast(writeCast(recording)), recording);
});

Deno.test("the picture of the README is drawn from the recording beside it, and neither names this machine", async () => {
  const cast = await Deno.readTextFile(join(root, "docs/demo.cast"));
  const svg = await Deno.readTextFile(join(root, "docs/demo.svg"));
  assert.equal(svg, await drawSvg(readCast(cast)), "draw it anew: deno task recording");
  assert.doesNotMatch(cast, /\/(tmp|work|root|home)\//);
  assert.match(cast, /built demo-amd64-/);
});
