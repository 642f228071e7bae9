import assert from "node:assert/strict";
import { join } from "node:path";
import { lockFile } from "../../../../lib/files.ts";
import { formatArgv } from "../../../../lib/process.ts";
import { serveFolder } from "../../../iso/catalog/folder_server.ts";
import { openPty } from "../../../vm/pty.ts";
import { newUser, type User } from "../../../cli/pim.ts";

const isos = "cache/pim/isos";

interface Bench {
  readonly user: User;
  /** The names in the ISO folder. */
  names(): Promise<string[]>;
  catalog(): Promise<string>;
}

/** Two downloaded ISOs, and one that is used in place, with a comment around. */
async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  await using server = await serveFolder({ "/a-amd64.iso": "one", "/b-amd64.iso": "two!" });
  await using user = await newUser();
  const local = await user.write("work/local-amd64.iso", "local");
  const file = await user.write(
    "config/pim/isos.d/all.yml",
    `# All.\n\na:\n  url: ${server.url}/a-amd64.iso\n\n# The second.\nb:\n  url: ${server.url}/b-amd64.iso\nlocal:\n  url: ${local}\n`,
  );
  assert.equal((await user.pim("iso", "download", "--all")).code, 0);
  await work({
    user,
    names: async () =>
      (await Array.fromAsync(Deno.readDir(join(user.path, isos)))).map(({ name }) => name).sort(),
    catalog: () => Deno.readTextFile(file),
  });
}

Deno.test("pim iso remove takes out the entry and its file, and leaves the rest", async () => {
  await bench(async ({ user, names, catalog }) => {
    await user.write(`${isos}/a-amd64.iso.part`, "beginning");
    const before = await catalog();
    const { code, stdout, stderr } = await user.pim("iso", "remove", "a", "--yes");
    assert.deepEqual([code, stdout.startsWith("Removed a from "), /, with \d+ B\n$/.test(stdout)], [
      0,
      true,
      true,
    ], stderr);
    assert.equal(await catalog(), before.replace(/a:\n.*\n\n/, ""));
    assert.deepEqual(await names(), [
      ".b-amd64.iso.lock",
      "b-amd64.iso",
      "b-amd64.iso.json",
      "local.local.json",
    ]);
    assert.equal((await user.pim("iso", "remove", "b", "--keep-file", "--yes")).code, 0);
    assert.ok((await names()).includes("b-amd64.iso"));
    assert.equal((await user.pim("iso", "remove", "local", "-y")).code, 0);
    assert.equal(await Deno.readTextFile(join(user.path, "work/local-amd64.iso")), "local");
    assert.equal(await catalog(), "# All.\n");
    assert.ok(!(await names()).includes("local.local.json"));
  });
});

Deno.test("an ISO that another entry names stays, and a file without entries goes", async () => {
  await bench(async ({ user, names }) => {
    const text = await Deno.readTextFile(join(user.path, "config/pim/isos.d/all.yml"));
    const url = /url: (http.*a-amd64\.iso)/.exec(text)?.[1];
    const other = await user.write("config/pim/isos.d/other.yml", `other:\n  url: ${url}\n`);
    assert.equal((await user.pim("iso", "remove", "other", "--yes")).code, 0);
    await assert.rejects(Deno.stat(other), Deno.errors.NotFound);
    assert.ok((await names()).includes("a-amd64.iso"));
  });
});

Deno.test("pim iso remove refuses what it does not know, cannot ask or is being downloaded", async () => {
  await bench(async ({ user, names, catalog }) => {
    const before = [await catalog(), await names()];
    await using _lock = await lockFile(join(user.path, isos, ".a-amd64.iso.lock"));
    const [unknown, unasked, busy, none] = await Promise.all([
      user.pim("iso", "remove", "c", "--yes"),
      user.pim("iso", "remove", "a"),
      user.pim("iso", "remove", "a", "--yes"),
      user.pim("iso", "remove"),
    ]);
    assert.deepEqual([unknown, unasked, busy, none].map(({ code }) => code), [2, 2, 3, 2]);
    assert.match(unasked.stderr, /pim iso remove a --yes/);
    assert.match(busy.stderr, /Cannot remove a: it is being downloaded/);
    assert.deepEqual([await catalog(), await names()], before);
  });
});

Deno.test("on a terminal pim iso remove asks, and takes only a yes for one", async () => {
  await bench(async ({ user, names }) => {
    for (const [answer, code] of [["", 130], ["y", 0]] as const) {
      await using pty = openPty(
        `cd ${user.path}/work && ${formatArgv([...user.argv, "iso", "remove", "a"])}`,
        user.env,
      );
      await pty.see(/Remove a \(.*all\.yml\)\? \[y\/N\] /);
      await pty.type(`${answer}\n`);
      assert.equal(await pty.ended, code);
      assert.equal((await names()).includes("a-amd64.iso"), code !== 0);
    }
  });
});

Deno.test("pim iso prune removes what no entry names, and nothing that is not pim's or is being downloaded", async () => {
  await bench(async ({ user, names }) => {
    await user.pim("iso", "remove", "a", "--keep-file", "--yes");
    await user.write(`${isos}/half.iso.part`, "half");
    await user.write(`${isos}/half.iso.part.json`, "{}");
    await user.write(`${isos}/busy.iso.part`, "busy");
    await user.write(`${isos}/mine.iso`, "mine");
    await user.write(`${isos}/notes.json`, "{}");
    await user.write(`${isos}/browser.iso.part`, "half of another program's download");
    await user.write(`${isos}/first.part.iso`, "mine too");
    await user.write(`${isos}/b-amd64.iso.part`, "of an entry");
    await using _lock = await lockFile(join(user.path, isos, ".busy.iso.lock"));
    const before = await names();
    const dry = await user.pim("iso", "prune", "--dry-run");
    assert.match(
      dry.stdout,
      /^would remove a-amd64\.iso: \d+ B\nwould remove half\.iso: 6 B\nbusy\.iso stays: it is being downloaded\n2 ISOs, \d+ B\.\n$/,
    );
    assert.deepEqual(await names(), before);
    assert.match((await user.pim("iso", "prune", "--older-than", "1h")).stdout, /There is nothing to remove/);
    const done = await user.pim("iso", "prune", "--json");
    const result = JSON.parse(done.stdout);
    assert.deepEqual(result.removed.map(({ name }: { name: string }) => name), ["a-amd64.iso", "half.iso"]);
    assert.deepEqual([result.busy, result.dryRun, result.freedBytes > 6], [["busy.iso"], false, true]);
    assert.deepEqual(await names(), [
      ".b-amd64.iso.lock",
      ".busy.iso.lock",
      "b-amd64.iso",
      "b-amd64.iso.json",
      "b-amd64.iso.part",
      "browser.iso.part",
      "busy.iso.part",
      "first.part.iso",
      "local.local.json",
      "mine.iso",
      "notes.json",
    ]);
    assert.equal((await user.pim("iso", "prune", "--older-than", "soon")).code, 2);
  });
});

Deno.test("pim iso prune does not take an empty catalog for a reason to remove everything", async () => {
  await bench(async ({ user, names }) => {
    await Deno.remove(join(user.path, "config"), { recursive: true });
    const before = await names();
    const { code, stderr } = await user.pim("iso", "prune");
    assert.equal(code, 2);
    assert.match(stderr, /no ISOs in the catalog[^]*--project DIR/);
    assert.deepEqual(await names(), before);
  });
});
