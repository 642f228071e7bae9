// Compiles pim and drives the binary as somebody does who has nothing but it: `deno task test:binary`.
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import denoConfig from "../../deno.json" with { type: "json" };
import { hashFile } from "../../lib/hash.ts";
import { run, start, which } from "../../lib/process.ts";
import { whyNoRuntime } from "../../release/runtime.ts";
import type { Target } from "../../release/targets.ts";
import { newUser, type Outcome, type User } from "../cli/pim.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const why = await whyNoRuntime(Deno.build.target as Target);
const reason = why === undefined ? "" : ` (skipped, Deno's runtime for it cannot be had: ${why})`;

/** A user whose `pim` is the binary, far from any checkout. */
interface BinaryUser extends User {
  readonly binary: string;
}

async function binaryUser(): Promise<BinaryUser> {
  await run([Deno.execPath(), "task", "compile"], { cwd: root, env: Deno.env.toObject() });
  const user = await newUser({ "bin/.keep": "" });
  const binary = join(user.path, "bin/pim");
  await Deno.copyFile(join(root, "dist/pim"), binary);
  return { ...user, binary, argv: [binary], pim: (...args) => user.run([binary, ...args]) };
}

/** The output of a pim that must succeed. */
async function output(outcome: Promise<Outcome>): Promise<string> {
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stderr);
  return stdout;
}

async function tellsWhatItIs(user: BinaryUser): Promise<void> {
  const facts = JSON.parse(await output(user.pim("version", "--json")));
  assert.equal(facts.version, denoConfig.version);
  assert.equal(facts.target, Deno.build.target);
  assert.equal(facts.binary, true);
  assert.equal(await output(user.pim("--version")), `${denoConfig.version}\n`);
}

async function writesTheScaffold(user: BinaryUser): Promise<void> {
  await output(user.pim("init", "images"));
  await using other = await newUser();
  await output(other.pim("init", "images"));
  const { stdout } = await run([
    "diff",
    "-r",
    join(user.path, "work/images"),
    join(other.path, "work/images"),
  ]);
  assert.equal(stdout, "");
}

async function loadsTypeScript(user: BinaryUser): Promise<void> {
  await user.write(
    "work/images/keys.ts",
    "export const keys: readonly string[] = ['ssh-ed25519 AAAA a@b'];\n",
  );
  const profile = [
    'import type { Profile } from "pim";',
    'import { keys } from "../keys.ts";',
    'export default { iso: "debian-12-{arch}-netinst", username: "web", password: "geheim1",',
    '  sshAuthorizedKeys: keys, scripts: ["base"] } satisfies Profile;',
  ];
  await user.write("work/images/profiles.d/web.ts", `${profile.join("\n")}\n`);
  assert.match(await output(user.pim("--project", "images", "profile", "check")), /^ok {4}web$/m);
  assert.match(
    await output(user.pim("--project", "images", "profile", "show", "web")),
    /ssh-ed25519 AAAA a@b/,
  );
}

async function hashesInAThread(user: BinaryUser): Promise<void> {
  const content = new Uint8Array(2 ** 20).fill(7);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    () => new Response(content),
  );
  const iso = await Deno.makeTempFile({ dir: user.path });
  await Deno.writeFile(iso, content);
  await user.write(
    "work/images/isos.d/small.yml",
    `small:\n  name: Small\n  url: http://127.0.0.1:${server.addr.port}/small.iso\n  filename: small.iso\n` +
      `  architecture: amd64\n  checksum: sha256:${await hashFile(iso, "sha256")}\n`,
  );
  await output(user.pim("--project", "images", "iso", "download", "small"));
  await server.shutdown();
  assert.match(
    await output(user.pim("--project", "images", "iso", "verify", "small", "--full")),
    /^ok {2}small/m,
  );
}

async function servesAnswers(user: BinaryUser): Promise<void> {
  const port = Promise.withResolvers<number>();
  const argv = [user.binary, "--project", "images", "serve", "web", "--port", "0", "--json"];
  const pim = start(argv, {
    cwd: join(user.path, "work"),
    env: { ...user.env },
    onStdout: (line) => port.resolve(Number(/"port":(\d+)/.exec(line)?.[1])),
  });
  pim.ended.then(() => port.reject(new Error(`it ended: ${pim.stderr()}`)));
  const answer = await fetch(`http://127.0.0.1:${await port.promise}/preseed.cfg`);
  assert.match(await answer.text(), /passwd\/username string web\n/);
  pim.kill("SIGINT");
  assert.equal((await pim.ended).code, 0);
}

async function plansABuild(user: BinaryUser): Promise<void> {
  const plan = await output(
    user.pim("--project", "images", "build", "run", "web", "--dry-run", "--arch", "amd64"),
  );
  assert.match(plan, /debian-12-amd64-netinst \(missing\)/);
  assert.match(plan, /\d+\. finalize\n/);
}

async function runsAMachine(user: BinaryUser): Promise<void> {
  const disk = join(user.path, "work/disk.qcow2");
  await run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"]);
  // A socket's path is short, and macOS has its temporary folders deep down.
  const runtime = await Deno.makeTempDir({ dir: "/tmp", prefix: "pim-b-" });
  const attempt = (...args: string[]) =>
    user.run([user.binary, ...args], { env: { PIM_RUNTIME_DIR: runtime } });
  const pim = (...args: string[]) => output(attempt(...args));
  try {
    // -S: the processor stands still, so that nothing depends on how fast the host is.
    await pim("run", disk, "--name", "one", "--memory", "64", "--cpus", "1", "--qemu-arg=-S");
    assert.match(await pim("ps"), /^one {3}/m);
    assert.equal(JSON.parse(await pim("qmp", "one", "query-status")).running, false);
    await pim("stop", "one", "--force");
    await pim("rm", "one");
    assert.equal(await pim("ps", "--all", "--json"), "[]\n");
  } finally {
    await attempt("stop", "--all", "--force");
    await Deno.remove(runtime, { recursive: true });
  }
}

Deno.test({
  name: `a compiled pim does what a checkout does${reason}`,
  ignore: why !== undefined,
}, async (t) => {
  await using user = await binaryUser();
  await t.step("it tells what it is", () => tellsWhatItIs(user));
  await t.step("init writes the files that a checkout writes", () => writesTheScaffold(user));
  await t.step(
    "it loads profiles in TypeScript from disk, and what they import",
    () => loadsTypeScript(user),
  );
  await t.step("it downloads an ISO, hashing in a thread of its own", () => hashesInAThread(user));
  await t.step("it serves answer files", () => servesAnswers(user));
  await t.step("it plans a build", () => plansABuild(user));
  await t.step({
    name: "it runs a machine, asks it and stops it (needs QEMU)",
    ignore: await which("qemu-img") === undefined,
    fn: () => runsAMachine(user),
  });
});

Deno.test({
  name: "a runtime that does not fit this Deno makes no binary, and leaves what is in dist as it was",
  ignore: Deno.build.os !== "linux",
}, async () => {
  const dist = async () => {
    const found: [string, number | undefined][] = [];
    for await (const { name } of Deno.readDir(join(root, "dist"))) {
      found.push([name, (await Deno.stat(join(root, "dist", name))).mtime?.getTime()]);
    }
    return found.filter(([name]) => !name.endsWith(".lock")).sort();
  };
  await Deno.mkdir(join(root, "dist"), { recursive: true });
  const before = await dist();
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "compile"],
    cwd: root,
    env: { DENORT_BIN: await which("true") ?? "", NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert.equal(code, 1, said);
  assert.match(
    said,
    /error: The compiled binary does not run: .*\nhint: DENORT_BIN must name the runtime of Deno/,
  );
  assert.deepEqual(await dist(), before);
});
