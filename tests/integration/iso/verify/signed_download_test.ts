import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { newUser, type User } from "../../../cli/pim.ts";
import { type FolderServer, serveFolder } from "../../../iso/catalog/folder_server.ts";
import { type Gpg, newGpg } from "../../../iso/verify/gpg.ts";

const content = new Uint8Array(10_000).fill(3);
const hash = createHash("sha256").update(content).digest("hex");
const sums = `${hash}  x-amd64.iso\n`;

interface Bench {
  readonly gpg: Gpg;
  readonly key: string;
  readonly server: FolderServer;
  readonly user: User;
  /** Writes the entry, with more lines. */
  entry(...lines: string[]): Promise<string>;
  /** The names in the ISO folder that are not hidden. */
  names(): Promise<string[]>;
}

async function bench(work: (bench: Bench) => Promise<void>): Promise<void> {
  await using gpg = await newGpg();
  const key = await gpg.makeKey("Images <images@example.org>");
  await using server = await serveFolder({ "/x-amd64.iso": content, "/SHA256SUMS": sums });
  server.files.set("/SHA256SUMS.sign", await gpg.sign(sums, key, "--armor", "--detach-sign"));
  server.files.set("/key.asc", await gpg.publicKey(key, "--armor"));
  await using user = await newUser();
  await work({
    ...{ gpg, key, server, user },
    entry: (...lines) =>
      user.write(
        "config/pim/isos.d/x.yml",
        ["x:", `url: ${server.url}/x-amd64.iso`, `checksum_url: ${server.url}/SHA256SUMS`, ...lines]
          .join("\n  ") + "\n",
      ),
    async names() {
      const folder = join(user.path, "cache/pim/isos");
      const all = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
      return all.map(({ name }) => name).filter((name) => !name.startsWith(".")).sort();
    },
  });
}

const signed = (server: FolderServer, key: string) => [
  `signature_url: ${server.url}/SHA256SUMS.sign`,
  `signing_key: ${key}`,
];

Deno.test("an ISO whose checksum file is signed is downloaded, and who signed is shown and remembered", async () => {
  await bench(async ({ key, server, user, entry }) => {
    await entry(
      ...signed(server, key.replace(/(.{4})/g, "$1 ").trim()),
      `signing_key_url: ${server.url}/key.asc`,
    );
    const done = await user.pim("iso", "download", "x");
    assert.deepEqual([done.code, done.stdout], [0, `${join(user.path, "cache/pim/isos/x-amd64.iso")}\n`]);
    assert.match(done.stderr, new RegExp(`SHA256SUMS is signed by Images <images@example.org> \\(${key}\\)`));
    const [shown, json, list, again] = await Promise.all([
      user.pim("iso", "show", "x"),
      user.pim("iso", "show", "x", "--json"),
      user.pim("iso", "list", "-l"),
      user.pim("iso", "download", "x"),
    ]);
    assert.match(shown.stdout, new RegExp(`signedBy +Images <images@example.org> \\(${key}\\)`));
    assert.equal(JSON.parse(json.stdout).signer.fingerprint, key);
    assert.match(list.stdout, /verified, signed by Images <images@example.org>/);
    assert.equal(again.stderr, "");
  });
});

Deno.test("a wrong signature is exit code 5, and nothing of the download stays", async () => {
  await bench(async ({ gpg, key, server, user, entry, names }) => {
    await entry(...signed(server, key), `signing_key_url: ${server.url}/key.asc`);
    server.files.set("/SHA256SUMS.sign", await gpg.sign("other", key, "--detach-sign"));
    // A download that broke off earlier.
    await user.write("cache/pim/isos/x-amd64.iso.part", "beginning");
    await user.write(
      "cache/pim/isos/x-amd64.iso.part.json",
      JSON.stringify({ url: `${server.url}/x-amd64.iso`, validator: "y" }),
    );
    const { code, stderr, stdout } = await user.pim("iso", "download", "x");
    assert.deepEqual([code, stdout], [5, ""]);
    assert.match(stderr, /signature of .*SHA256SUMS by Images .* is not accepted: it was changed/);
    assert.deepEqual(await names(), []);
    assert.ok(!server.requests.includes("GET /x-amd64.iso"));
  });
});

Deno.test("an ISO that was verified before its entry asked for a signature is not called verified until it has one", async () => {
  await bench(async ({ gpg, key, server, user, entry }) => {
    const state = async () => JSON.parse((await user.pim("iso", "show", "x", "--json")).stdout).state;
    await entry();
    await user.pim("iso", "download", "x");
    assert.equal(await state(), "verified");
    await user.write(
      "config/pim/keys.d/images.asc",
      new TextDecoder().decode(await gpg.publicKey(key, "--armor")),
    );
    await entry(...signed(server, key));
    assert.equal(await state(), "present-unverified");
    assert.equal((await user.pim("iso", "download", "x")).code, 0);
    assert.equal(await state(), "verified");
    assert.equal(server.requests.filter((request) => request === "GET /x-amd64.iso").length, 1);
    const other = await gpg.makeKey("Other");
    await entry(...signed(server, other));
    assert.equal(await state(), "present-unverified");
    assert.equal((await user.pim("iso", "verify", "x")).code, 5);
  });
});

Deno.test("a checksum in the entry must be the one that is signed", async () => {
  await bench(async ({ gpg, key, server, user, entry }) => {
    await user.write(
      "config/pim/isos.d/images.asc",
      new TextDecoder().decode(await gpg.publicKey(key, "--armor")),
    );
    const rule = [`signature_url: ${server.url}/SHA256SUMS.sign`, "signing_key: images.asc"];
    await entry(...rule, `checksum: sha256:${"0".repeat(64)}`);
    const { code, stderr } = await user.pim("iso", "download", "x");
    assert.equal(code, 5);
    assert.match(stderr, new RegExp(`x-amd64.iso has sha256:${hash}, but the entry x says sha256:000`));
    const state = async () => JSON.parse((await user.pim("iso", "show", "x", "--json")).stdout).state;
    await entry(...rule, `checksum: sha256:${hash}`);
    assert.equal((await user.pim("iso", "download", "x")).code, 0);
    assert.equal(await state(), "verified");
    // What was signed was the checksum of another ISO.
    await entry(...rule, `checksum: sha256:${"0".repeat(64)}`);
    assert.equal(await state(), "present-unverified");
    await user.write(
      "config/pim/isos.d/x.yml",
      (await Deno.readTextFile(join(user.path, "config/pim/isos.d/x.yml"))).replace(/ {2}checksum: .*\n/, "")
        .replace("/x-amd64.iso", "/mirror/x-amd64.iso"),
    );
    assert.equal(await state(), "present-unverified");
  });
});

Deno.test("a checksum file that is signed in line vouches only by what was signed", async () => {
  await bench(async ({ gpg, key, server, user, entry }) => {
    const line = (digits: string) => `SHA256 (x-amd64.iso) = ${digits}\n`;
    const inline = new TextDecoder().decode(
      await gpg.sign(`# x-amd64.iso: 10000 bytes\n${line(hash)}`, key, "--clearsign"),
    );
    server.files.set("/SHA256SUMS", `${line("0".repeat(64))}${inline}`);
    await entry(
      `signature_url: ${server.url}/SHA256SUMS`,
      `signing_key: [${key}]`,
      `signing_key_url: ${server.url}/key.asc`,
    );
    assert.equal((await user.pim("iso", "download", "x")).code, 0);
  });
});

Deno.test("the user's own GnuPG keyring is asked, and a host without gpgv is told what to install", async () => {
  await bench(async ({ gpg, key, server, user, entry, names }) => {
    await entry(...signed(server, key));
    const argv = [...user.argv, "iso", "download", "x"];
    const without = await user.run(argv, { env: { PATH: "/nowhere" } });
    assert.equal(without.code, 3);
    assert.match(without.stderr, /gpgv is not installed/);
    assert.deepEqual(await names(), []);
    const unknown = await user.run(argv);
    assert.equal(unknown.code, 5);
    assert.match(unknown.stderr, /is nowhere here/);
    const { code, stderr } = await user.run(argv, { env: { GNUPGHOME: gpg.home } });
    assert.deepEqual([code, /is signed by Images/.test(stderr)], [0, true], stderr);
  });
});
