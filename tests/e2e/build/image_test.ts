import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { hashFile } from "../../../lib/hash.ts";
import { openRegistry } from "../../../lib/image/registry.ts";
import { shutdownGuest } from "../../../lib/qemu/agent_commands.ts";
import { boot, type Booted } from "../../demo/boot.ts";
import { type DemoImage, demoImage } from "../demo_image.ts";
import { pim } from "../pim.ts";

async function newest(demo: DemoImage) {
  const registry = await openRegistry(join(demo.env.PIM_DATA_DIR ?? "", "registry.yml"));
  const image = registry.newest("demo", "amd64");
  ok(image, "the demo's image is registered");
  return { ...image, path: join(demo.imageDir, image.file) };
}

Deno.test("a build reports each of its steps as NDJSON, in order, to the end", async () => {
  const { events } = await demoImage();
  const [first] = events;
  ok(first?.type === "build-started");
  const finished = events.filter((event) => event.type === "step-finished").map(({ step }) => step);
  deepStrictEqual(finished, first.steps);
  strictEqual(events.at(-1)?.type, "build-finished");
  const milestones = events.filter((event) => event.type === "progress" && event.step === "install");
  ok(milestones.length >= 2, "the installer's progress is told");
  const text = JSON.stringify(events);
  ok(!text.includes("demo-Passw0rd") && !text.includes("PRIVATE KEY"), "no secret is told");
});

Deno.test("a finished build leaves an image, its logs and a registry entry, and nothing else", async () => {
  const demo = await demoImage();
  const image = await newest(demo);
  strictEqual(image.sha256, await hashFile(image.path, "sha256"));
  deepStrictEqual(image.scripts, ["base", "demo", "motd"]);
  for (const log of image.logs) ok((await Deno.stat(join(demo.imageDir, log))).size > 0);
  const left = [...Deno.readDirSync(join(demo.env.PIM_CACHE_DIR ?? "", "builds"))].map(({ name }) => name);
  deepStrictEqual(left.filter((name) => name.startsWith("demo-")), []);
  const shown = await pim(["--project", demo.project, "build", "show", "demo", "--json"], { env: demo.env });
  strictEqual(JSON.parse(shown.stdout).name, image.name);
});

// That each machine of the image has an identity of its own is what `pim verify` boots it twice for: verify_test.ts.
Deno.test("the image boots as the profile says, without the build's traces, and powers off", async (t) => {
  await using vm = await boot((await newest(await demoImage())).path);
  await checkProfile(vm, t);
  await shutdownGuest(vm.agent);
  strictEqual((await vm.ended).code, 0);
});

async function checkProfile({ root, ssh }: Booted, t: Deno.TestContext): Promise<void> {
  await t.step("user, host name, time zone", async () => {
    strictEqual((await ssh.exec("id -un")).stdout.trim(), "demo");
    match(await root("getent passwd demo"), /:Demo User/);
    strictEqual(await root("hostname"), "pim-demo");
    strictEqual(await root("hostname -f"), "pim-demo.example.org");
    strictEqual(await root("readlink -f /etc/localtime"), "/usr/share/zoneinfo/Europe/Berlin");
    match(await root("passwd -S root"), /^root L/);
  });
  await t.step("packages", async () => {
    const status = await root(
      "dpkg-query -W -f '${Package} ${db:Status-Status}\\n' curl jq openssh-server sudo qemu-guest-agent",
    );
    strictEqual(status.split("\n").filter((line) => line.endsWith(" installed")).length, 5);
  });
  await t.step("the late command's and every script's effect", async () => {
    const keys = await root(
      "stat -c '%U %a' /home/demo/.ssh/authorized_keys; cat /home/demo/.ssh/authorized_keys",
    );
    match(keys, /^demo 600\nssh-ed25519 \S+ demo@example\.org$/);
    ok(await root("cat /etc/pim-base"));
    strictEqual(await root("cat /etc/pim-demo"), "demo amd64");
    strictEqual(await root("cat /etc/motd"), "hello from pim's vars");
  });
  await t.step("nothing of the build is left", async () => {
    strictEqual(await root("grep -rl pim-build /etc /home /root || true"), "");
    strictEqual(await root("ls -A /home/demo | grep pim || true"), "");
    strictEqual(await root("ls /etc/sudoers.d | grep -v README || true"), "");
    strictEqual(await root("ls /var/lib/apt/lists | grep -v -e lock -e partial || true"), "");
  });
}
