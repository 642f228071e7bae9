import assert from "node:assert/strict";
import { join } from "node:path";
import { which } from "../../../../lib/process.ts";
import { newUser, type User } from "../../../cli/pim.ts";
import { cuttingProxy } from "./cutting_proxy.ts";
import { dockerRegistry } from "./docker_registry.ts";
import { registerSample, sampleDisk } from "./sample_disk.ts";
import { strictRegistry } from "./strict_registry.ts";

const ignore = await which("docker-registry") === undefined;
const mib = 1024 ** 2;

/** A user who has built an image of some MiB. */
async function userWithImage(targets: string, size: number) {
  const user = await newUser({ "config/pim/targets.d/hub.yml": targets });
  const image = await sampleDisk(join(user.path, "data", "pim", "images"), { mib: size });
  await registerSample(join(user.path, "data", "pim", "registry.yml"), image);
  return { user, image, [Symbol.asyncDispose]: () => user[Symbol.asyncDispose]() };
}

/** Starts pim and ends it with SIGKILL once something has happened. */
async function killed(user: User, args: readonly string[], when: Promise<void>): Promise<void> {
  const [program = "", ...rest] = [...user.argv, ...args];
  const child = new Deno.Command(program, {
    ...{ args: rest, clearEnv: true, env: { ...user.env }, cwd: join(user.path, "work") },
    ...{ stdin: "null", stdout: "null", stderr: "inherit" },
  }).spawn();
  const ended = child.status.then(() => "ended");
  assert.equal(await Promise.race([when, ended]), undefined, "pim has ended by itself");
  child.kill("SIGKILL");
  await child.status;
}

Deno.test({
  name: "an image is pushed, looked at, pulled by another user and removed from the command line",
  ignore,
  async fn() {
    await using registry = await dockerRegistry();
    const targets =
      `hub:\n  type: oci\n  reference: "${registry.host}/team/{profile}:{name}"\n  tags: [latest]\n`;
    await using one = await userWithImage(targets, 2);
    const { user, image: { entry, sha256 } } = one;
    const dry = await user.pim("deploy", "run", "web", "hub", "--dry-run");
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /send what is missing of \S+ MiB in one piece to 127\.0\.0\.1:\d+\/team\/web\n/);
    assert.match(dry.stdout, /put its manifest under \S+\/team\/web:latest\n/);
    const run = await user.pim("deploy", "run", "web", "hub");
    assert.deepEqual([run.code, run.stdout], [0, `${registry.host}/team/web:${entry.name}\n`], run.stderr);
    assert.match((await user.pim("deploy", "status")).stdout, /hub\/web-\S+ +there/);
    assert.match((await user.pim("target", "check")).stdout, /hub +push +ok/);

    await using other = await newUser();
    const pulled = await other.pim("image", "pull", `${registry.host}/team/web:latest`, "--json");
    assert.equal(pulled.code, 0, pulled.stderr);
    assert.equal(JSON.parse(pulled.stdout).entry.sha256, sha256);
    assert.equal((await other.pim("build", "list")).stdout, `${entry.name}\n`);
    const again = await other.pim("image", "pull", `${registry.host}/team/web:latest`);
    assert.match(again.stderr, /is here already/);
    const none = await other.pim("image", "pull", `${registry.host}/team/web:none`);
    assert.deepEqual([none.code, none.stdout], [4, ""]);
    assert.match(none.stderr, /^error: Cannot pull \S+: 127\.0\.0\.1:\d+ has no team\/web:none\nhint: /);
    assert.equal((await other.pim("image", "pull", "web")).code, 2);

    const removed = await user.pim("deploy", "remove", `hub/${entry.name}`);
    assert.equal(removed.code, 0, removed.stderr);
    assert.equal(
      (await other.pim("image", "pull", `${registry.host}/team/web:latest`, "--name", "x")).code,
      4,
    );
  },
});

for (const layout of ["artifact", "containerdisk"]) {
  Deno.test({
    name: `a push that was killed is gone on with by the same command, and so is a pull (${layout})`,
    async fn() {
      await using registry = strictRegistry();
      await using proxy = cuttingProxy(registry.host);
      const targets =
        `hub: {type: oci, reference: "${proxy.host}/team/web:x", layout: ${layout}, chunk_mib: 4}\n`;
      await using one = await userWithImage(targets, 48);
      const { user, image } = one;
      await killed(user, ["deploy", "run", "web", "hub"], proxy.holdAfter("up", 36 * mib));
      proxy.release();
      const before = proxy.passed.up;
      const again = await user.pim("deploy", "run", "web", "hub");
      assert.equal(again.code, 0, again.stderr);
      assert.ok(proxy.passed.up - before < 34 * mib, `${proxy.passed.up - before} bytes`);
      assert.deepEqual(registry.wrong, []);

      await using other = await newUser();
      const pull = ["image", "pull", `${proxy.host}/team/web:x`];
      await killed(other, pull, proxy.holdAfter("down", 36 * mib));
      proxy.release();
      assert.equal(
        (await other.pim("build", "list")).stdout,
        "No images yet. Build one with: pim build run PROFILE\n",
      );
      const begun = proxy.passed.down;
      const pulled = await other.pim(...pull);
      assert.equal(pulled.code, 0, pulled.stderr);
      assert.ok(proxy.passed.down - begun < 34 * mib, `${proxy.passed.down - begun} bytes`);
      assert.deepEqual(await Deno.readFile(pulled.stdout.trim()), await Deno.readFile(image.path));
    },
  });
}
