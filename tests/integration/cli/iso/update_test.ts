import assert from "node:assert/strict";
import { join } from "node:path";
import { formatArgv } from "../../../../lib/process.ts";
import { type FolderServer, serveFolder } from "../../../iso/catalog/folder_server.ts";
import { openPty } from "../../../vm/pty.ts";
import { newUser, type User } from "../../../cli/pim.ts";

const hash = (digit: string) => digit.repeat(64);

interface Bench {
  readonly server: FolderServer;
  readonly user: User;
  /** Writes isos.d/x.yml and returns how to read it. */
  write(text: string): Promise<() => Promise<string>>;
}

/** A site with the releases 1.5.0, 1.9.0 and 1.10.0 of an ISO. */
async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  const release = (version: string, digit: string) => ({
    [`/cd/${version}/SHA256SUMS`]: `${hash(digit)}  x-${version}-amd64.iso\n`,
    [`/cd/${version}/x-${version}-amd64.iso`]: "iso",
  });
  await using server = await serveFolder({
    ...release("1.5.0", "5"),
    ...release("1.9.0", "9"),
    ...release("1.10.0", "a"),
    "/cd/1.10.0-live/y.iso": "iso",
    "/cd/2.0.0/y.iso": "iso",
  });
  await using user = await newUser();
  const write = async (text: string) => {
    const file = await user.write("config/pim/isos.d/x.yml", text);
    return () => Deno.readTextFile(file);
  };
  await work({ server, user, write });
}

const rule = (server: FolderServer) =>
  `  release:\n    url: ${server.url}/cd/\n    pattern: '(1\\.\\d+\\.\\d+)' # all of 1\n`;

const entry = (server: FolderServer, version: string) =>
  `x:   # the one\n  name: "X ${version} for amd64"\n  url: ${server.url}/cd/${version}/x-${version}-amd64.iso\n` +
  `  checksum_url: '${server.url}/cd/${version}/SHA256SUMS'\n  mirrors:\n    - ${server.url}/m/${version}/x.iso # near\n` +
  rule(server) + `\n# The end.\ny:\n  url: ${server.url}/y-1.5.0-amd64.iso\n`;

Deno.test("pim iso update shows what a newer release changes, and writes only that with --yes", async () => {
  await bench(async ({ server, user, write }) => {
    const read = await write(entry(server, "1.5.0"));
    const shown = await user.pim("iso", "update", "x");
    assert.equal(shown.code, 0);
    assert.equal(await read(), entry(server, "1.5.0"));
    assert.match(
      shown.stdout,
      /^x: 1\.5\.0 -> 1\.10\.0 \(.*x\.yml\)\n {2}name:\n {4}- X 1\.5\.0 for amd64\n {4}\+ X 1\.10\.0/,
    );
    for (const field of ["url", "checksum_url", "mirrors.0"]) {
      assert.match(shown.stdout, new RegExp(`  ${field}:\n`));
    }
    assert.match(shown.stderr, /1 update available, nothing written; type: pim iso update x --yes/);
    const done = await user.pim("iso", "update", "--all", "--yes", "--json");
    assert.equal(done.code, 0, done.stderr);
    const [update, ...rest] = JSON.parse(done.stdout);
    assert.deepEqual([update.key, update.current, update.newest, update.written, rest], [
      "x",
      "1.5.0",
      "1.10.0",
      true,
      [],
    ]);
    assert.equal(await read(), entry(server, "1.10.0"));
    assert.equal((await user.pim("iso", "update", "x")).stdout, "x: 1.10.0 is the newest\n");
  });
});

Deno.test("a checksum in the entry becomes the new file's, or the update is refused", async () => {
  await bench(async ({ server, user, write }) => {
    const text = (version: string, digit: string, sums = true) =>
      `x:\n  url: ${server.url}/cd/${version}/x-${version}-amd64.iso\n  checksum: "sha256:${hash(digit)}"\n` +
      (sums ? `  checksum_url: ${server.url}/cd/${version}/SHA256SUMS\n` : "") + rule(server);
    const read = await write(text("1.5.0", "5"));
    assert.equal((await user.pim("iso", "update", "x", "--yes")).code, 0);
    assert.equal(await read(), text("1.10.0", "a"));
    const readLonely = await write(text("1.5.0", "5", false));
    const refused = await user.pim("iso", "update", "x", "--yes");
    assert.equal(refused.code, 2);
    assert.match(
      refused.stderr,
      /its checksum is written in the entry, and nothing says the new one[^]*checksum_url/,
    );
    assert.equal(await readLonely(), text("1.5.0", "5", false));
  });
});

Deno.test("nothing is written before the new ISO has its checksum", async () => {
  await bench(async ({ server, user, write }) => {
    server.files.set("/cd/1.10.0/SHA256SUMS", `${hash("a")}  other.iso\n`);
    const read = await write(entry(server, "1.5.0"));
    const missing = await user.pim("iso", "update", "x", "--yes");
    assert.equal(missing.code, 5);
    assert.match(missing.stderr, /has no SHA-256 or SHA-512 checksum of x-1\.10\.0-amd64\.iso/);
    server.files.delete("/cd/1.10.0/SHA256SUMS");
    assert.equal((await user.pim("iso", "update", "x", "--yes")).code, 4);
    assert.equal(await read(), entry(server, "1.5.0"));
  });
});

Deno.test("what lies in default or comes from an anchor is refused in words, and the others have their turn", async () => {
  await bench(async ({ server, user, write }) => {
    const own = `  url: ${server.url}/cd/1.5.0/x-1.5.0-amd64.iso\n`;
    const sums = `  checksum_url: ${server.url}/cd/1.5.0/SHA256SUMS\n`;
    const text = `default:\n${sums}${rule(server)}a:\n  filename: a.iso\n${own}` +
      `b: &b\n  filename: b.iso\n${own}${sums}c:\n  <<: *b\n  filename: c.iso\n`;
    const read = await write(text);
    const { code, stderr } = await user.pim("iso", "update", "--all", "--yes");
    assert.equal(await read(), text);
    assert.equal(code, 2);
    assert.match(
      stderr,
      /ISO a cannot be updated: its checksum_url is not written in its entry .* comes from `default`/,
    );
    assert.match(stderr, /Cannot change b\.url in .*x\.yml: other entries share it by an anchor/);
    assert.match(stderr, /Cannot change c\.url in .*x\.yml: it is not written there itself/);
    assert.match(stderr, /3 of 3 ISOs failed/);
  });
});

Deno.test("a rule that is missing, finds nothing or does not fit the url is told", async () => {
  await bench(async ({ server, user, write }) => {
    const url = `  url: ${server.url}/cd/1.5.0/x-1.5.0-amd64.iso\n`;
    await write(`x:\n${url}`);
    const [none, all, unknown, which] = await Promise.all([
      user.pim("iso", "update", "x"),
      user.pim("iso", "update", "--all"),
      user.pim("iso", "update", "z"),
      user.pim("iso", "update"),
    ]);
    assert.deepEqual([none, all, unknown, which].map(({ code }) => code), [2, 2, 2, 2]);
    assert.match(none.stderr, /Nothing says where newer releases of x are found[^]*release/);
    assert.match(all.stderr, /No ISO of the catalog says where newer releases are/);
    assert.match(which.stderr, /Which ISOs/);
    await write(`x:\n${url}  release:\n    url: ${server.url}/cd/\n    pattern: (1\\.5\\.0|7.*)\n`);
    assert.equal((await user.pim("iso", "update", "x")).stdout, "x: 1.5.0 is the newest\n");
    await write(`x:\n${url}  release:\n    url: ${server.url}/cd/\n    pattern: (7.*)\n`);
    assert.match((await user.pim("iso", "update", "x")).stderr, /no part of its url matches/);
    await write(`x:\n${url}  release:\n    url: ${server.url}/cd/\n    pattern: 1.*\n`);
    assert.match((await user.pim("iso", "update", "x")).stderr, /x\.yml:5: .*one group, the version/);
  });
});

Deno.test("on a terminal pim iso update asks before it writes", async () => {
  await bench(async ({ server, user, write }) => {
    const read = await write(entry(server, "1.5.0"));
    const command = formatArgv([...user.argv, "iso", "update", "x"]);
    for (const [answer, version] of [["n", "1.5.0"], ["", "1.10.0"]] as const) {
      await using pty = openPty(`cd ${join(user.path, "work")} && ${command}`, user.env);
      await pty.see(/Change 1 entry in isos\.d\? \[Y\/n\] /);
      await pty.type(`${answer}\n`);
      assert.equal(await pty.ended, 0);
      assert.equal(await read(), entry(server, version));
    }
  });
});
