import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { binaryName, type Target } from "../../release/targets.ts";
import { run, which } from "../../lib/process.ts";
import { type TempDir, tempDir } from "../base/temp.ts";

const script = fileURLToPath(new URL("../../release/install.sh", import.meta.url));
const name = binaryName(Deno.build.target as Target);
// The script must work with the shell that a small system has.
const shell = await which("dash") ?? "/bin/sh";

const program = (version: string) =>
  `#!/bin/sh\necho "pim ${version} (commit 0123456789ab, 2026-11-26T06:00:00Z)"\n`;

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}

/** A server with these files, each by its path; a path that it does not have is a 404. */
function serve(files: Readonly<Record<string, string>>) {
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url }) => {
      const text = files[new URL(url).pathname];
      return text === undefined ? new Response("no", { status: 404 }) : new Response(text);
    },
  );
  return { url: `http://127.0.0.1:${server.addr.port}`, [Symbol.asyncDispose]: () => server.shutdown() };
}

/** The files of a release, under the newest and under its version. */
async function release(
  version: string,
  text = program(version),
  sum?: string,
): Promise<Record<string, string>> {
  const sums = `${"0".repeat(64)}  pim-of-another-system\n${sum ?? await sha256(text)}  ${name}\n`;
  const files = { SHA256SUMS: sums, [name]: text };
  return Object.fromEntries(
    ["latest/download", `download/v${version}`].flatMap((folder) =>
      Object.entries(files).map(([file, content]) => [`/${folder}/${file}`, content])
    ),
  );
}

interface Installed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function install(home: TempDir, env: Readonly<Record<string, string>>): Promise<Installed> {
  const { code, stdout, stderr } = await new Deno.Command(shell, {
    args: [script],
    cwd: home.path,
    clearEnv: true,
    env: { PATH: "/usr/bin:/bin", HOME: home.path, ...env },
  }).output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

/** All that is below a folder. */
async function below(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder));
  const found = await Promise.all(entries.map(async ({ name, isDirectory }) => {
    const inner = isDirectory ? await below(join(folder, name)) : [];
    return [name, ...inner.map((each) => join(name, each))];
  }));
  return found.flat().sort();
}

Deno.test("install.sh puts the newest pim into ~/.local/bin and says what to add to PATH", async () => {
  await using server = serve(await release("1.2.3"));
  await using home = await tempDir();
  const dir = join(home.path, ".local/bin");
  assert.deepEqual(await install(home, { PIM_BASE_URL: server.url }), {
    code: 0,
    stdout: `pim 1.2.3 (commit 0123456789ab, 2026-11-26T06:00:00Z) is in ${dir}/pim\n` +
      `That folder is not on your PATH. Put this into ~/.profile:\n  export PATH="${dir}:$PATH"\n`,
    stderr: `downloading ${server.url}/latest/download/${name}\n`,
  });
  assert.deepEqual(await below(dir), ["pim"]);
  assert.equal((await Deno.stat(join(dir, "pim"))).mode! & 0o777, 0o755);
});

Deno.test("install.sh installs the version and into the folder that it is told, over an older one", async () => {
  await using server = serve({ ...await release("2.0.0"), ...await release("1.0.0") });
  await using home = await tempDir({ "my bin/pim": "old" });
  const dir = join(home.path, "my bin");
  const env = { PIM_BASE_URL: server.url, PIM_VERSION: "v2.0.0", PIM_INSTALL_DIR: "my bin" };
  // Shells look for folders there first.
  const elsewhere = join(home.path, "elsewhere");
  await Deno.mkdir(join(elsewhere, "my bin"), { recursive: true });
  const { code, stdout } = await install(home, { ...env, CDPATH: elsewhere, PATH: `${dir}:/usr/bin:/bin` });
  assert.deepEqual([code, stdout], [
    0,
    `pim 2.0.0 (commit 0123456789ab, 2026-11-26T06:00:00Z) is in ${dir}/pim\n`,
  ]);
  assert.equal(await Deno.readTextFile(join(dir, "pim")), program("2.0.0"));
});

Deno.test("install.sh names another pim that comes first on PATH", async () => {
  await using server = serve(await release("1.0.0"));
  await using home = await tempDir({ "first/pim": "#!/bin/sh\n" });
  await Deno.chmod(join(home.path, "first/pim"), 0o755);
  const path = `${home.path}/first:${home.path}/.local/bin:/usr/bin:/bin`;
  const { stdout } = await install(home, { PIM_BASE_URL: server.url, PATH: path });
  assert.match(stdout, new RegExp(`\nAnother one comes first on your PATH: ${home.path}/first/pim\n$`));
});

Deno.test({
  name: "install.sh does with wget where there is no curl (needs wget)",
  ignore: await which("wget") === undefined,
}, async () => {
  await using server = serve(await release("1.0.0"));
  await using home = await tempDir();
  const programs = ["uname", "mkdir", "mktemp", "awk", "sha256sum", "cut", "chmod", "mv", "head", "rm", "sh"];
  await Deno.mkdir(join(home.path, "programs"));
  for (const each of [...programs, "wget"]) {
    await Deno.symlink(await which(each) ?? "", join(home.path, "programs", each));
  }
  const env = { PIM_BASE_URL: server.url, PATH: join(home.path, "programs") };
  const { code, stderr } = await install(home, env);
  assert.deepEqual([code, stderr], [0, `downloading ${server.url}/latest/download/${name}\n`]);
  const missing = await install(home, { ...env, PIM_VERSION: "9.9.9" });
  assert.match(missing.stderr, /\nerror: .*\/download\/v9\.9\.9\/SHA256SUMS is not there\nhint: .*9\.9\.9/);
  await Deno.remove(join(home.path, "programs/wget"));
  assert.match((await install(home, env)).stderr, /\nerror: Neither curl nor wget is here/);
});

Deno.test("install.sh leaves everything as it was when something is wrong, and says what", async () => {
  const good = await release("1.0.0");
  const text = program("1.0.0");
  const faults: [string, Readonly<Record<string, string>>, Readonly<Record<string, string>>, RegExp][] = [
    [
      "a wrong checksum",
      await release("1.0.0", text, "1".repeat(64)),
      {},
      new RegExp(
        `error: ${name} is not what SHA256SUMS says: its SHA-256 is ${await sha256(
          text,
        )}, not 1{64}\nhint: `,
      ),
    ],
    [
      "no binary",
      { ...good, [`/latest/download/${name}`]: undefined as never },
      {},
      /error: \S+pim-\S+ is not there\nhint: /,
    ],
    ["no checksums", {}, {}, /error: \S+\/SHA256SUMS is not there\nhint: /],
    [
      "sums of other files",
      { ...good, "/latest/download/SHA256SUMS": `${"1".repeat(64)}  x\n` },
      {},
      /does not name pim-/,
    ],
    ["no such version", good, { PIM_VERSION: "3.0.0" }, /v3\.0\.0\/SHA256SUMS is not there/],
    [
      "nobody answers",
      good,
      { PIM_BASE_URL: "http://127.0.0.1:1" },
      /error: Cannot download http/,
    ],
    ["no base URL", good, { PIM_BASE_URL: "" }, /^error: This copy of install.sh does not know/],
    [
      "a binary that does not run",
      await release("1.0.0", "#!/bin/sh\nexit 3\n"),
      {},
      /\nerror: The downloaded pim does not run/,
    ],
  ];
  for (const [what, files, env, said] of faults) {
    await using server = serve(files);
    await using empty = await tempDir();
    const first = await install(empty, { PIM_BASE_URL: server.url, ...env });
    assert.deepEqual([first.code, first.stdout], [1, ""], what);
    assert.match(first.stderr, said, what);
    assert.deepEqual((await below(empty.path)).filter((each) => each !== ".local"), [], what);
    await using before = await tempDir({ ".local/bin/pim": "old" });
    await install(before, { PIM_BASE_URL: server.url, ...env });
    assert.deepEqual(await below(join(before.path, ".local/bin")), ["pim"], what);
    assert.equal(await Deno.readTextFile(join(before.path, ".local/bin/pim")), "old", what);
  }
});

Deno.test("install.sh refuses systems that there is no pim for", async () => {
  await using server = serve(await release("1.0.0"));
  for (
    const [system, machine, said] of [
      ["Linux", "riscv64", /^error: There is no pim for the processor riscv64\n/],
      ["FreeBSD", "amd64", /^error: This script does not know the system FreeBSD\n/],
      ["MINGW64_NT-10.0", "x86_64", /\nhint: On Windows download pim-x86_64-pc-windows-msvc\.exe/],
    ] as const
  ) {
    const uname = `#!/bin/sh\n[ "$1" = -m ] && echo ${machine} || echo ${system}\n`;
    await using home = await tempDir({ "bin/uname": uname });
    await Deno.chmod(join(home.path, "bin/uname"), 0o755);
    const env = { PIM_BASE_URL: server.url, PATH: `${home.path}/bin:/usr/bin:/bin` };
    const { code, stdout, stderr } = await install(home, env);
    assert.deepEqual([code, stdout], [1, ""], system);
    assert.match(stderr, said);
    assert.deepEqual(await below(home.path), ["bin", "bin/uname"]);
  }
});

const mayMount = Deno.build.os === "linux" && Deno.uid() === 0 &&
  await run(["unshare", "-m", "true"]).then(() => true, () => false);

Deno.test({
  name: "install.sh tells a full disk and leaves nothing on it (needs root to mount a small one)",
  ignore: !mayMount,
}, async () => {
  await using server = serve(await release("1.0.0", program("1.0.0") + "#".repeat(2 ** 20)));
  await using home = await tempDir({ "full/.keep": "" });
  const full = join(home.path, "full");
  await run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", full]);
  try {
    const { code, stderr } = await install(home, { PIM_BASE_URL: server.url, PIM_INSTALL_DIR: full });
    assert.equal(code, 1);
    assert.match(stderr, /error: Cannot write to .*: is the disk full\?\nhint: /);
    assert.deepEqual(await below(full), []);
  } finally {
    await run(["umount", full]);
  }
});

Deno.test({
  name: "install.sh has nothing that shellcheck objects to (needs shellcheck)",
  ignore: await which("shellcheck") === undefined,
}, async () => {
  const { stdout } = await new Deno.Command("shellcheck", { args: ["-s", "sh", script] }).output();
  assert.equal(new TextDecoder().decode(stdout), "");
});
