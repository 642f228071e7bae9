import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { formatArgv } from "../../../../lib/process.ts";
import { type FolderServer, serveFolder } from "../../../iso/catalog/folder_server.ts";
import { openPty } from "../../../vm/pty.ts";
import { newUser, type User } from "../../../cli/pim.ts";

const hash = (digit: string) => digit.repeat(64);
const inUser = (name: string) => `config/pim/isos.d/${name}`;

async function bench(
  files: Readonly<Record<string, string>>,
  work: (bench: { server: FolderServer; user: User; read(name: string): Promise<string> }) => Promise<void>,
): Promise<void> {
  await using server = await serveFolder(files);
  await using user = await newUser();
  await work({ server, user, read: (name) => Deno.readTextFile(join(user.path, name)) });
}

Deno.test("pim iso add takes everything from the URL, and the checksum from the file beside the ISO", async () => {
  const files = {
    "/d/X%20Server-2.0-x86_64.iso": "iso",
    "/d/SHA256SUMS": `${hash("a")} *X Server-2.0-x86_64.iso\n`,
  };
  await bench({ ...files, "/d/SHA256SUMS.gpg": "signature" }, async ({ server, user, read }) => {
    const { code, stdout, stderr } = await user.pim(
      "iso",
      "add",
      `${server.url}/d/X%20Server-2.0-x86_64.iso`,
    );
    assert.equal(code, 0, stderr);
    const file = join(user.path, inUser("x-server-2.0-x86_64.yml"));
    assert.equal(stdout, `Added x-server-2.0-x86_64 to ${file}\n`);
    assert.equal(
      await read(inUser("x-server-2.0-x86_64.yml")),
      `x-server-2.0-x86_64:\n  name: X Server 2.0 x86_64\n  url: ${server.url}/d/X%20Server-2.0-x86_64.iso\n` +
        `  checksum_url: ${server.url}/d/SHA256SUMS\n  architecture: amd64\n`,
    );
    assert.match(stderr, new RegExp(`Found sha256:${hash("a")} in ${server.url}/d/SHA256SUMS`));
    assert.match(stderr, /It is signed \(.*SHA256SUMS\.gpg\).*--signing-key/);
    assert.match(stderr, /pim iso download x-server-2\.0-x86_64/);
    const again = await user.pim("iso", "add", `${server.url}/d/X%20Server-2.0-x86_64.iso`);
    assert.equal(again.code, 2);
    assert.match(
      again.stderr,
      /There is an ISO x-server-2\.0-x86_64 in the catalog already[^]*another --key/,
    );
    assert.equal((await user.pim("iso", "list")).code, 0);
  });
});

Deno.test("checksum files are found by all their usual names, listed or not, and only with the ISO's line", async () => {
  const iso = "x-1-amd64.iso";
  const folders: Record<string, string> = {
    CHECKSUM: `# ${iso}: 3 bytes\nSHA256 (${iso}) = ${hash("c")}\n`,
    [`${iso}.sha256`]: `${hash("d")}\n`,
    [`${iso}.sha512`]: `${"e".repeat(128)}  ${iso}\n`,
    "Server-1-amd64-CHECKSUM": `SHA256 (${iso}) = ${hash("c")}\n`,
    "CHECKSUM.SHA512-FreeBSD-1-RELEASE-amd64": `SHA512 (${iso}) = ${"f".repeat(128)}\n`,
  };
  const files = Object.fromEntries(
    Object.entries(folders).flatMap(([name, text], index) => [
      [`/${index}/${name}`, text],
      [`/${index}/SHA256SUMS`, `${hash("0")}  other.iso\n`],
      [`/${index}/${iso}`, "iso"],
    ]),
  );
  await bench(files, async ({ server, user }) => {
    for (const [index, name] of Object.keys(folders).entries()) {
      const added = await user.pim(
        "iso",
        "add",
        `${server.url}/${index}/${iso}`,
        "--key",
        `k${index}`,
        "--filename",
        `${index}.iso`,
        "--json",
      );
      assert.equal(
        JSON.parse(added.stdout || "{}").entry?.checksum_url,
        `${server.url}/${index}/${name}`,
        added.stderr,
      );
    }
  });
});

Deno.test("flags come before what is found, and a signing key brings the signature that lies there", async () => {
  const files = { "/x.iso": "iso", "/SHA256SUMS": `${hash("a")}  x.iso\n`, "/SHA256SUMS.sign": "signature" };
  await bench(files, async ({ server, user, read }) => {
    await user.write("work/keys/mine.asc", "key");
    const fingerprint = "1234".repeat(10);
    const argv = [
      "iso",
      "add",
      `${server.url}/x.iso`,
      "--arch",
      "aarch64",
      "--key",
      "mine",
      "--name",
      "Mine: the one",
    ];
    const more = [
      "--signing-key",
      fingerprint,
      "--signing-key",
      "keys/mine.asc",
      "--filename",
      "y.iso",
      "--to",
      "all.yml",
    ];
    const { code, stderr } = await user.pim(...argv, ...more);
    assert.equal(code, 0, stderr);
    assert.equal(
      await read(inUser("all.yml")),
      `mine:\n  name: 'Mine: the one'\n  url: ${server.url}/x.iso\n  checksum_url: ${server.url}/SHA256SUMS\n` +
        `  signature_url: ${server.url}/SHA256SUMS.sign\n  signing_key:\n    - '${fingerprint}'\n    - ${
          join(user.path, "work/keys/mine.asc")
        }\n` +
        `  filename: y.iso\n  architecture: arm64\n`,
    );
    const other = await user.pim(
      "iso",
      "add",
      `${server.url}/x.iso`,
      "--arch",
      "arm64",
      "--checksum",
      hash("b"),
      "--to",
      "all.yml",
    );
    assert.equal(other.code, 0, other.stderr);
    assert.match(await read(inUser("all.yml")), /architecture: arm64\n\nx:\n {2}name: X\n/);
    assert.match((await user.pim("iso", "show", "x")).stdout, new RegExp(hash("b")));
  });
});

Deno.test("without a terminal what is missing is an error that names the flag, and nothing is written", async () => {
  await bench(
    { "/x.iso": "iso", "/x-amd64.iso": "iso", "/d/": "no list" },
    async ({ server, user, read }) => {
      const refused: [string[], RegExp][] = [
        [[], /pim iso add URL/],
        [[`${server.url}/x.iso`], /--arch/],
        [[`${server.url}/x-amd64.iso`], /No checksum found[^]*--checksum none/],
        [[`${server.url}/d/`, "--arch", "amd64", "--checksum", "none"], /Key in the catalog[^]*--key/],
        [
          [`${server.url}/d/`, "--arch", "amd64", "--checksum", "none", "--key", "k"],
          /Name of the file[^]*--filename/,
        ],
        [[`${server.url}/x-amd64.iso`, "--checksum", "md5:abc"], /checksum must be "sha256/],
        [[`${server.url}/x-amd64.iso`, "--checksum", "none", "--key", "a b"], /cannot be the key of an ISO/],
        [
          [`${server.url}/x-amd64.iso`, "--checksum", "none", "--to", "../x.txt"],
          /is no file of the catalog/,
        ],
        [
          [`${server.url}/x-amd64.iso`, "--checksum", "none", "--signing-key", "1234".repeat(10)],
          /has nothing to check/,
        ],
        [["missing-amd64.iso"], /There is no file .*missing-amd64\.iso/],
        [["ftp://example.org/x-amd64.iso"], /not supported/],
        [["debain-13-netinst"], /pim iso add debian-13-netinst/],
        [["nothing-like-it"], /pim iso search/],
        [["opensuse-leap-16.0-offline", "--arch", "arm64"], /There is one for amd64/],
        [
          ["debian-13-amd64-netinst", "--arch", "arm64"],
          /is for amd64, not for arm64[^]*debian-13-netinst --arch arm64/,
        ],
      ];
      for (const [args, why] of refused) {
        const { code, stdout, stderr } = await user.pim("iso", "add", ...args);
        assert.deepEqual([code, stdout], [2, ""], `${args}: ${stderr}`);
        assert.match(stderr, why, String(args));
      }
      await assert.rejects(read("config/pim"));
      assert.equal((await user.pim("iso", "add", `${server.url}/x-amd64.iso`, "--checksum", "none")).code, 0);
      const same = await user.pim(
        "iso",
        "add",
        `${server.url}/d/x-amd64.iso`,
        "--checksum",
        "none",
        "--key",
        "other",
      );
      assert.match(same.stderr, /would be stored as x-amd64\.iso, which is that of x-amd64[^]*--filename/);
    },
  );
});

Deno.test("a known ISO is added for this host's architecture or another, and a project's catalog comes first", async () => {
  await bench({}, async ({ user, read }) => {
    await user.write("work/pim.yml", "");
    const added = await user.pim("iso", "add", "debian-13-netinst", "--arch", "arm64");
    assert.equal(
      added.stdout,
      `Added debian-13-arm64-netinst to ${join(user.path, "work/isos.d/debian-13-arm64-netinst.yml")}\n`,
    );
    assert.match(
      await read("work/isos.d/debian-13-arm64-netinst.yml"),
      /signing_key: DF9B9C49EAA9298432589D76DA87E80D6294BE9B\n/,
    );
    assert.equal((await user.pim("iso", "add", "debian-13-amd64-netinst", "--key", "deb")).code, 0);
    const json = await user.pim("iso", "show", "deb", "--json");
    assert.match(JSON.parse(json.stdout).signatureUrl, /SHA256SUMS\.sign$/);
    const without = await user.run([...user.argv, "iso", "add", "debian-12-netinst"], {
      env: { PATH: "/nowhere" },
    });
    assert.match(without.stderr, /warning: Cannot verify a signature: gpgv is not installed/);
    const noted = await user.pim("iso", "add", "alpine-3.24-virt", "--arch", "amd64");
    assert.match(noted.stderr, /There is no signature/);
  });
});

Deno.test("a file of this host is added where it is, with its checksum", async () => {
  await bench({}, async ({ user }) => {
    const path = await user.write("work/mine.iso", "iso");
    const sum = createHash("sha256").update("iso").digest("hex");
    assert.equal((await user.pim("iso", "add", "mine.iso", "--arch", "amd64")).code, 0);
    const shown = JSON.parse((await user.pim("iso", "show", "mine", "--json")).stdout);
    assert.deepEqual([shown.url, shown.path, shown.checksum], [path, path, `sha256:${sum}`]);
    const copied = await user.pim(
      "iso",
      "add",
      `file://${path}`,
      "--arch",
      "amd64",
      "--key",
      "copy",
      "--json",
    );
    assert.equal(JSON.parse(copied.stdout).entry.url, `file://${path}`);
    assert.equal((await user.pim("iso", "download", "mine", "copy")).code, 0);
  });
});

Deno.test("pim iso search finds known ISOs by words and architecture", async () => {
  await bench({}, async ({ user }) => {
    const [words, arch, json, none] = await Promise.all([
      user.pim("iso", "search", "Debian", "netinst"),
      user.pim("iso", "search", "ubuntu", "24.04", "--arch", "arm64"),
      user.pim("iso", "search", "rocky-9-boot", "--arch", "amd64", "--json"),
      user.pim("iso", "search", "windows"),
    ]);
    assert.match(words.stdout, /^KEY +ARCH +SIGNED +NAME\ndebian-13-amd64-netinst +amd64 +yes +Debian 13/);
    assert.equal(words.stdout.trim().split("\n").length, 5);
    assert.deepEqual(arch.stdout.match(/^ubuntu\S+/gm), ["ubuntu-24.04-arm64-live-server"]);
    const [rocky] = JSON.parse(json.stdout);
    assert.deepEqual([rocky.key, rocky.family, rocky.sources.length > 0], [
      "rocky-9-amd64-boot",
      "rocky-9-boot",
      true,
    ]);
    assert.deepEqual([none.code, none.stdout], [2, ""]);
    assert.match(none.stderr, /knows no ISO with windows/);
  });
});

Deno.test("on a terminal pim iso add asks only for what is missing, shows the entry and asks before it writes", async () => {
  await bench({ "/x.iso": "iso" }, async ({ server, user, read }) => {
    const run = (...args: string[]) =>
      openPty(
        `cd ${join(user.path, "work")} && ${formatArgv([...user.argv, "iso", "add", ...args])}`,
        user.env,
      );
    {
      await using pty = run();
      await pty.see(/URL or path of the ISO, or a key from `pim iso search`: /);
      await pty.type(`${server.url}/x.iso\n`);
      await pty.see(/Architecture \(amd64 or arm64\): /);
      await pty.type("arm64\n");
      await pty.see(/No checksum found.*: /);
      await pty.type(`sha256:${hash("b")}\n`);
      await pty.see(/x:\r\n {2}name: X\r\n[^]*Write this to .*x\.yml\? \[Y\/n\] /);
      await pty.type("\n");
      await pty.see(/Added x to/);
      assert.equal(await pty.ended, 0);
      assert.match(
        await read(inUser("x.yml")),
        new RegExp(`checksum: sha256:${hash("b")}\n  architecture: arm64\n`),
      );
    }
    {
      await using pty = run("debian-13-netinst");
      await pty.see(/Write this to .*\? \[Y\/n\] /);
      await pty.type("n\n");
      assert.equal(await pty.ended, 130);
    }
    {
      await using pty = run("debian-13-amd64-netinst", "--yes");
      await pty.see(/Added debian-13-amd64-netinst/);
      assert.equal(await pty.ended, 0);
    }
  });
});
