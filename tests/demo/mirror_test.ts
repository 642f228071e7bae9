import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { mirrorFromApt, parseDeb822, parseOneLine, pickDebian } from "./mirror.ts";
import { tempDir } from "../base/temp.ts";

const bookworm = 'ID=debian\nVERSION_CODENAME="bookworm"\n';

async function withRoot(files: Record<string, string>, test: (root: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const root = temp.path;
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(join(root, path)), { recursive: true });
    await Deno.writeTextFile(join(root, path), text);
  }
  await test(root);
}

Deno.test("one-line sources are read with options, comments and several components", () => {
  assert.deepEqual(
    parseOneLine(`
# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the nearest
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://other.example/ bookworm main
deb-src http://mirror.example/debian bookworm main
`),
    [
      { uri: "http://mirror.example/debian", suite: "bookworm", components: ["main", "contrib"] },
      {
        uri: "https://other.example/",
        suite: "bookworm",
        components: ["main"],
        signedBy: "/usr/share/keyrings/x.gpg",
      },
    ],
  );
});

Deno.test("deb822 sources are read with folded fields, comments inside and several suites", () => {
  const text = `Types: deb deb-src
# a comment in the middle
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
Components: main
`;
  assert.deepEqual(parseDeb822(text), [
    { uri: "http://mirror.example/debian", suite: "bookworm", components: ["main"] },
    { uri: "http://mirror.example/debian", suite: "bookworm-updates", components: ["main"] },
  ]);
});

Deno.test("only Debian's own sources of the release are taken, each once", () => {
  const main = { uri: "http://mirror.example/debian", suite: "bookworm", components: ["main", "non-free"] };
  const picked = pickDebian([
    { ...main, signedBy: "/usr/share/keyrings/debian-archive-keyring.gpg" },
    { ...main, uri: "http://mirror.example/debian/" },
    { ...main, uri: "https://vendor.example", signedBy: "/usr/share/keyrings/vendor.gpg" },
    { ...main, suite: "bookworm-backports" },
    { ...main, suite: "bookworm-security", components: ["main"] },
    { ...main, suite: "bookworm-updates", components: ["contrib"] },
    { ...main, uri: "cdrom:[Debian]/" },
  ], "bookworm");
  assert.deepEqual(picked, [
    { uri: "http://mirror.example/debian", suite: "bookworm", components: ["main"] },
    { uri: "http://mirror.example/debian", suite: "bookworm-security", components: ["main"] },
  ]);
});

Deno.test("the mirror of a Debian machine comes from both kinds of files", async () => {
  const files = {
    "etc/os-release": bookworm,
    "etc/apt/sources.list": "deb http://one.example/debian bookworm main\n",
    "etc/apt/sources.list.d/debian.sources":
      "Types: deb\nURIs: http://two.example/debian-security\nSuites: bookworm-security\nComponents: main\n",
    "etc/apt/sources.list.d/ignored.save": "deb http://three.example/debian bookworm main\n",
  };
  await withRoot(files, async (root) => {
    assert.deepEqual(await mirrorFromApt(root), {
      suite: "bookworm",
      release: "12",
      sources: [
        { uri: "http://one.example/debian", suite: "bookworm", components: ["main"] },
        { uri: "http://two.example/debian-security", suite: "bookworm-security", components: ["main"] },
      ],
    });
  });
});

Deno.test("a list of mirrors in a file stands for its first mirror", async () => {
  const files = {
    "etc/os-release": "ID=debian\nVERSION_CODENAME=trixie\n",
    "etc/apt/sources.list.d/debian.sources":
      "Types: deb\nURIs: mirror+file:///etc/apt/mirrors/debian.list\nSuites: trixie\nComponents: main\n",
    "etc/apt/mirrors/debian.list":
      "# nearest first\nhttps://near.example/debian\tpriority:1\nhttps://far.example\n",
  };
  await withRoot(files, async (root) => {
    const { suite, release, sources } = await mirrorFromApt(root);
    assert.deepEqual([suite, release, sources.map((source) => source.uri)], [
      "trixie",
      "13",
      ["https://near.example/debian"],
    ]);
  });
});

Deno.test("a system that is not Debian leaves the mirror to mmdebstrap", async () => {
  const files = {
    "etc/os-release": "ID=ubuntu\nVERSION_CODENAME=noble\n",
    "etc/apt/sources.list": "deb http://mirror.example/ubuntu noble main\n",
  };
  await withRoot(files, async (root) => {
    assert.deepEqual(await mirrorFromApt(root), { suite: "bookworm", release: "12", sources: [] });
  });
});
