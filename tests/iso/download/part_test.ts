import assert from "node:assert/strict";
import { join } from "node:path";
import { bootId } from "../../../lib/iso/download/boot.ts";
import {
  partBytes,
  partFiles,
  type PartState,
  readPart,
  removePart,
} from "../../../lib/iso/download/part.ts";
import { tempDir } from "../../base/temp.ts";

const identity = { url: "http://x/a", from: "http://y/a", at: "http://z/a", ifRange: '"one"', total: 1000 };
const synced = [{ start: 0, end: 100 }];
const written = [{ start: 0, end: 300 }, { start: 500, end: 900 }];

async function withPart(
  bytes: number,
  state: Partial<PartState>,
  work: (files: ReturnType<typeof partFiles>) => Promise<void>,
): Promise<void> {
  await using temp = await tempDir();
  const dir = temp.path;
  const files = partFiles(join(dir, "a.iso"));
  await Deno.writeFile(files.part, new Uint8Array(bytes));
  const notes = { ...identity, written, synced, boot: await bootId(), ...state };
  await Deno.writeTextFile(files.state, JSON.stringify(notes));
  await work(files);
}

Deno.test({
  name: "what was written is believed as long as the machine has been up",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await withPart(900, {}, async (files) => {
      assert.deepEqual(await readPart(files), { state: identity, ranges: written, synced });
      assert.equal(await partBytes(files), 700);
    });
  },
});

Deno.test("after the machine was down only what was synced is believed", async () => {
  for (const boot of ["another", undefined]) {
    await withPart(900, { boot }, async (files) => {
      assert.deepEqual((await readPart(files))?.ranges, synced);
    });
  }
});

Deno.test("ranges beyond the end of the file are not believed, and a file that is too long is none", async () => {
  await withPart(50, { boot: "another" }, async (files) => {
    assert.deepEqual((await readPart(files))?.ranges, [{ start: 0, end: 50 }]);
  });
  await withPart(1001, {}, async (files) => assert.equal(await readPart(files), undefined));
});

Deno.test("notes that make no sense count for nothing", async () => {
  const wrong: Record<string, unknown>[] = [
    { synced: [{ start: 5, end: 5 }] },
    { synced: [{ start: -1, end: 5 }] },
    { synced: [{ start: 0.5, end: 5 }] },
    { synced: "all" },
    { from: undefined },
  ];
  for (const state of wrong) {
    await withPart(900, state as Partial<PartState>, async (files) => {
      assert.equal(await readPart(files), undefined);
    });
  }
});

Deno.test("an unfinished download is removed with all that belongs to it", async () => {
  await withPart(10, {}, async (files) => {
    await Deno.writeTextFile(`${files.state}.new`, "{");
    await removePart(files);
    assert.equal(await partBytes(files), undefined);
    const dir = files.part.slice(0, files.part.lastIndexOf("/"));
    assert.deepEqual([...Deno.readDirSync(dir)], []);
  });
});
