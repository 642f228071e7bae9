import type { Recording } from "./cast.ts";
import { type Frame, framesOf, type Pace, type Run } from "./frames.ts";

const letter = { width: 8.4, height: 19, size: 14 };
const margin = { side: 16, top: 40, bottom: 14 };
const stillSeconds = 6;
// The colours of a terminal: eight, and the same brighter.
const palette = [
  ...["#3b4252", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#d8dee9"],
  ...["#7f8896", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#ffffff"],
];

/** How docs/demo.svg plays; its text in the README says so. */
export const pace: Pace = { speed: 12, longestWait: 1.2, atPrompt: 2, framesPerSecond: 4 };

/**
 * A recording as an SVG that plays by itself: the screens lie one below the other on a strip, which jumps from each to the
 * next. Whoever wants no motion sees the last screen.
 */
export async function drawSvg(recording: Recording): Promise<string> {
  const frames = await framesOf(recording, pace);
  const width = Math.ceil(recording.columns * letter.width + 2 * margin.side);
  const screen = recording.rows * letter.height;
  const lines = new Map<string, string>();
  const screens = frames.map((frame, index) => drawScreen(frame, index * screen, lines));
  const height = margin.top + screen + margin.bottom;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<style>`,
    `text{font:${letter.size}px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;`,
    `fill:#d8dee9;white-space:pre}.b{font-weight:bold}.d{opacity:.6}`,
    ...palette.map((colour, index) => `.c${index}{fill:${colour}}`),
    `#strip{transform:translateY(${-(frames.length - 1) * screen}px)}`,
    `@media(prefers-reduced-motion:no-preference){#strip{animation:play ${
      (endOf(frames)).toFixed(2)
    }s steps(1,end) infinite}}`,
    `@keyframes play{${keyframes(frames, screen)}}`,
    `</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#1e222a"/>`,
    ...["#e06c75", "#e5c07b", "#98c379"].map((colour, index) =>
      `<circle cx="${20 + index * 20}" cy="19" r="6" fill="${colour}"/>`
    ),
    `<defs>${[...lines].map(([content, id]) => `<g id="${id}">${content}</g>`).join("\n")}</defs>`,
    `<svg x="${margin.side}" y="${margin.top}" width="${width - 2 * margin.side}" height="${screen}">`,
    `<g id="strip">${screens.join("\n")}</g></svg></svg>`,
    "",
  ].join("\n");
}

function endOf(frames: readonly Frame[]): number {
  return (frames.at(-1)?.second ?? 0) + stillSeconds;
}

function keyframes(frames: readonly Frame[], screen: number): string {
  return frames.map(({ second }, index) =>
    `${(100 * second / endOf(frames)).toFixed(3)}%{transform:translateY(${-index * screen}px)}`
  ).join("");
}

/** One screen; its lines are used from those that are drawn already, for most stay from screen to screen. */
function drawScreen({ lines }: Frame, top: number, drawn: Map<string, string>): string {
  return lines.map((runs, row) => {
    if (runs.length === 0) return "";
    const content = runs.map(drawRun).join("");
    const id = drawn.get(content) ?? `l${drawn.size}`;
    drawn.set(content, id);
    return `<use href="#${id}" y="${top + row * letter.height}"/>`;
  }).join("");
}

function drawRun({ column, text, colour, bold, dim }: Run): string {
  const classes = [
    ...(colour === undefined ? [] : [`c${colour}`]),
    ...(bold ? ["b"] : []),
    ...(dim ? ["d"] : []),
  ];
  const written = text.replace(
    /[&<>]/g,
    (sign) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[sign] ?? sign,
  );
  const x = (column * letter.width).toFixed(1);
  // The length holds the columns straight in whatever font there is.
  const length = ([...text].length * letter.width).toFixed(1);
  return `<text x="${x}" y="${letter.size}" textLength="${length}"${
    classes.length === 0 ? "" : ` class="${classes.join(" ")}"`
  }>${written}</text>`;
}
