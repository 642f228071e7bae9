import assert from "node:assert/strict";
import { configureLog } from "../../lib/log.ts";
import { readStickRecord, type StickRecord, writeStickRecord } from "../../lib/ventoy/stick/record.ts";
import { tempDir } from "../base/temp.ts";

const record: StickRecord = {
  isos: [{
    ...{ key: "deb", name: "Debian", file: "deb 13..iso", bytes: 1, mtimeMs: 2 },
    ...{ algorithm: "sha256", hash: "0".repeat(64) },
  }],
  answers: [{ profile: "web", iso: "deb", file: "/pim/web/deb.preseed.cfg", sha256: "1".repeat(64) }],
  aliases: { "/deb 13..iso": "Debian" },
};

Deno.test("what pim has put on a stick is read back as it was written", async () => {
  await using stick = await tempDir();
  await writeStickRecord(stick.path, record);
  assert.deepEqual(await readStickRecord(stick.path), { version: 1, ...record });
});

Deno.test("a record that names what does not lie on the stick is not believed", async () => {
  const warnings: string[] = [];
  configureLog({ write: (line) => void warnings.push(line) });
  await using stick = await tempDir();
  const iso = (file: string) => ({ ...record, isos: record.isos.map((each) => ({ ...each, file })) });
  const answer = (file: string) => ({
    ...record,
    answers: record.answers.map((each) => ({ ...each, file })),
  });
  const wrong = [
    ...["../deb.iso", "/etc/passwd", "..", ".", "a/b.iso", ""].map(iso),
    ...["/etc/passwd", "/pim/../x", "/pim/web/..", "/pim/web/../../x", "pim/web/x"].map(answer),
  ];
  for (const each of wrong) {
    await writeStickRecord(stick.path, each);
    assert.deepEqual((await readStickRecord(stick.path)).isos, []);
  }
  assert.equal(warnings.length, wrong.length);
});
