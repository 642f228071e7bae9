import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { run, type RunResult } from "../../../../lib/process.ts";
import { type FileServer, serveFile } from "../../../iso/download/file_server.ts";

const main = new URL("../../../../main.ts", import.meta.url).pathname;
const content = new Uint8Array(10_000).fill(3);
const hash = createHash("sha256").update(content).digest("hex");

interface Setup {
  readonly server: FileServer;
  readonly isoDir: string;
  pim(...args: string[]): Promise<RunResult>;
}

/** pim as a process, with a catalog of a good, a wrong and a missing ISO. */
async function withPim(work: (setup: Setup) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  await using server = await serveFile(content);
  server.misbehave = (request, response) => {
    if (request.url !== "/gone-amd64.iso") return false;
    response.writeHead(404).end();
    return true;
  };
  try {
    await Deno.mkdir(join(dir, "config/isos.d"), { recursive: true });
    await Deno.writeTextFile(
      join(dir, "config/isos.d/test.yml"),
      `good:\n  url: ${server.url}/good-amd64.iso\n  checksum: sha256:${hash}\n` +
        `wrong:\n  url: ${server.url}/wrong-amd64.iso\n  checksum: sha256:${"0".repeat(64)}\n` +
        `gone:\n  url: ${server.url}/gone-amd64.iso\n`,
    );
    const env = {
      PIM_CONFIG_DIR: join(dir, "config"),
      PIM_CACHE_DIR: join(dir, "cache"),
      PIM_DATA_DIR: join(dir, "data"),
    };
    const pim = (...args: string[]) =>
      run([Deno.execPath(), "run", "-A", main, ...args], { env, cwd: dir, okStatus: [0, 1, 2, 3, 4, 5] });
    await work({ server, isoDir: join(dir, "cache/isos"), pim });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("pim iso downloads, lists, shows and verifies, with results on stdout only", async () => {
  await withPim(async ({ isoDir, pim }) => {
    const done = await pim("iso", "download", "good");
    assert.deepEqual([done.code, done.stdout, done.stderr], [0, `${join(isoDir, "good-amd64.iso")}\n`, ""]);
    const [listed, long, shown, verified] = await Promise.all([
      pim("iso", "list"),
      pim("iso", "list", "-l", "--json"),
      pim("iso", "show", "good", "--json"),
      pim("iso", "verify", "good"),
    ]);
    assert.match(
      listed.stdout,
      /^KEY +ARCH +STATE\ngone +amd64 +not downloaded\ngood +amd64 +verified\nwrong +amd64 +not downloaded\n$/,
    );
    assert.deepEqual(JSON.parse(long.stdout).map((iso: { state: string }) => iso.state), [
      "missing",
      "verified",
      "missing",
    ]);
    assert.equal(JSON.parse(shown.stdout).found, `sha256:${hash}`);
    assert.equal(verified.stdout, "ok  good  (unchanged since it was read)\n");
    assert.equal((await pim("iso", "verify", "good", "--full")).stdout, "ok  good\n");
  });
});

Deno.test("pim iso tells its failures apart by exit code, and --all goes on after one", async () => {
  await withPim(async ({ isoDir, pim }) => {
    const [wrong, gone, unknown, none, missing] = await Promise.all([
      pim("iso", "download", "wrong"),
      pim("iso", "download", "gone"),
      pim("iso", "download", "god"),
      pim("iso", "download"),
      pim("iso", "verify", "good"),
    ]);
    assert.deepEqual([wrong, gone, unknown, none, missing].map(({ code }) => code), [5, 4, 2, 2, 4]);
    assert.match(wrong.stderr, new RegExp(`${hash}.*should be 0000`));
    assert.match(unknown.stderr, /Did you mean good\?/);
    assert.match(none.stderr, /--all/);
    const all = await pim("iso", "download", "--all", "--json");
    assert.equal(all.code, 4);
    assert.deepEqual(
      JSON.parse(all.stdout).map((file: { key: string; verified: boolean }) => [file.key, file.verified]),
      [["good", true]],
    );
    assert.match(all.stderr, /warning: .*404[\s\S]*2 of 3 ISOs failed/);
    assert.deepEqual(
      [...Deno.readDirSync(isoDir)].map(({ name }) => name).filter((name) => name.endsWith(".iso")),
      ["good-amd64.iso"],
    );
  });
});

Deno.test("pim iso verify says what it took from the record and what it read", async () => {
  await withPim(async ({ isoDir, pim }) => {
    await pim("iso", "download", "good");
    const fromRecord = async (...flags: string[]) =>
      JSON.parse((await pim("iso", "verify", "--all", "--json", ...flags)).stdout)
        .map((file: { key: string; fromRecord: boolean }) => [file.key, file.fromRecord]);
    assert.deepEqual(await fromRecord(), [["good", true]]);
    assert.deepEqual(await fromRecord("--full"), [["good", false]]);
    await Deno.utime(join(isoDir, "good-amd64.iso"), new Date(), new Date(0));
    assert.deepEqual(await fromRecord(), [["good", false]]);
    const { mtime } = await Deno.stat(join(isoDir, "good-amd64.iso"));
    await Deno.writeFile(join(isoDir, "good-amd64.iso"), content.with(0, 4));
    await Deno.utime(join(isoDir, "good-amd64.iso"), new Date(), mtime as Date);
    assert.equal((await pim("iso", "verify", "good")).code, 0);
    assert.equal((await pim("iso", "verify", "good", "--full")).code, 5);
  });
});

Deno.test("pim iso download takes several files at a time, and prints JSON in the order of the keys", async () => {
  await withPim(async ({ server, pim }) => {
    const { misbehave } = server;
    let [open, most] = [0, 0];
    server.delayMs = 300;
    server.misbehave = (request, response, count) => {
      most = Math.max(most, ++open);
      response.on("close", () => open--);
      return misbehave(request, response, count);
    };
    const done = await pim("iso", "download", "wrong", "good", "good", "gone", "-j", "3", "--json");
    assert.deepEqual([done.code, JSON.parse(done.stdout).map((file: { key: string }) => file.key)], [5, [
      "good",
    ]]);
    assert.ok(most > 1, "one after the other");
    assert.equal(server.requests.filter((line) => line.includes("good")).length, 1);
  });
});

Deno.test("pim iso download refuses flags that make no sense", async () => {
  await withPim(async ({ server, pim }) => {
    const wrong = [["-j", "0"], ["-j", "many"], ["--limit-rate", "fast"], ["--limit-rate", "1"]];
    const results = await Promise.all(wrong.map((flags) => pim("iso", "download", "good", ...flags)));
    assert.deepEqual(results.map(({ code }) => code), [2, 2, 2, 2]);
    assert.match(results[0]?.stderr ?? "", /0 is no number of files from 1 to 64/);
    assert.match(results[2]?.stderr ?? "", /Not a rate: "fast"/);
    assert.deepEqual(server.requests, []);
    assert.equal((await pim("iso", "download", "good", "--limit-rate", "1M")).code, 0);
  });
});
