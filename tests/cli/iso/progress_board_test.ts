import assert from "node:assert/strict";
import { progressBoard } from "../../../lib/cli/iso/progress_board.ts";

const size = (bytes: number) => `${bytes} B`;
const download = (key: string, bytes: number) =>
  ({ key, phase: "download", bytes, totalBytes: 1000 }) as const;
const unknown = (key: string, bytes: number) => ({ ...download(key, bytes), totalBytes: undefined });

Deno.test("one file has one line with share, speed and time left, and a bar where there is room", () => {
  const board = progressBoard(1, size);
  board.note(download("a", 100), 0);
  board.note(download("a", 500), 2000);
  const text = "a: downloading 50% (500 B of 1000 B), 200 B/s, 3 s left";
  assert.deepEqual(board.lines(2000), [text]);
  assert.deepEqual(board.lines(2000, 100), [`[##########----------] ${text}`]);
  assert.deepEqual(board.lines(2000, 60), [text]);
});

Deno.test("several files have a line each and one for all, which counts what is done", () => {
  const board = progressBoard(3, size);
  board.note(download("a", 1000), 0);
  board.done("a");
  board.note(download("b", 0), 0);
  board.note(unknown("c", 0), 0);
  board.note(download("b", 200), 1000);
  board.note(unknown("c", 100), 1000);
  assert.deepEqual(board.lines(1000), [
    "b: downloading 20% (200 B of 1000 B), 200 B/s, 4 s left",
    "c: downloading 100 B, 100 B/s",
    "all: 1 of 3 files, 1300 B, 300 B/s",
  ]);
});

Deno.test("the speed is counted anew when a file begins anew or goes on to be verified", () => {
  const board = progressBoard(1, size);
  board.note(download("a", 900), 0);
  board.note(download("a", 100), 10_000);
  board.note(download("a", 200), 11_000);
  assert.match(board.lines(11_000)[0] ?? "", /20% .* 100 B\/s/);
  board.note({ ...download("a", 10), phase: "hash" }, 12_000);
  board.note({ ...download("a", 110), phase: "hash" }, 13_000);
  assert.match(board.lines(13_000)[0] ?? "", /verifying 11% .* 100 B\/s/);
});
