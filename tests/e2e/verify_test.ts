// Images are booted twice each; what is wrong with one is put into a copy of the demo's image.
import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { openRegistry } from "../../lib/image/registry.ts";
import { generateKeyPair } from "../../lib/ssh/key.ts";
import type { Check } from "../../lib/verify/verification.ts";
import { demoImage } from "./demo_image.ts";
import { pim, type PimResult } from "./pim.ts";
import { spoil } from "./spoil.ts";
import { pimDirs } from "../base/pim_dirs.ts";

/** Folders of pim's own with the demo's image, its registry and its project. */
interface Home extends AsyncDisposable {
  readonly dir: string;
  readonly image: string;
  write(files: Readonly<Record<string, string>>): Promise<void>;
  pim(...args: readonly string[]): Promise<PimResult>;
  /** The names of QEMUs' files and of verifications that are left. */
  left(): string[];
}

async function home(): Promise<Home> {
  const demo = await demoImage();
  const dir = await Deno.makeTempDir({ dir: "/var/tmp", prefix: "pim-verify-" });
  const env = {
    ...pimDirs(dir),
    PIM_BUILD_IMAGE_DIR: demo.imageDir,
    PIM_PROJECT: demo.project,
  };
  for (const folder of [env.PIM_DATA_DIR, env.PIM_CONFIG_DIR]) await Deno.mkdir(folder);
  const registry = join(env.PIM_DATA_DIR, "registry.yml");
  await Deno.copyFile(join(demo.env.PIM_DATA_DIR ?? "", "registry.yml"), registry);
  const entry = (await openRegistry(registry)).get("demo");
  return {
    dir,
    image: join(demo.imageDir, entry.file),
    async write(files) {
      for (const [name, text] of Object.entries(files)) {
        const path = join(env.PIM_CONFIG_DIR, name);
        await Deno.mkdir(join(path, ".."), { recursive: true });
        await Deno.writeTextFile(path, text);
      }
    },
    pim: (...args) => pim(args, { env }),
    left: () =>
      [env.PIM_RUNTIME_DIR, join(env.PIM_CACHE_DIR, "verify")]
        .flatMap((folder) => [...Deno.readDirSync(folder)].map(({ name }) => name))
        .filter((name) => name !== "locks"),
    async [Symbol.asyncDispose]() {
      await pim(["stop", "--all", "--force"], { env });
      await Deno.remove(dir, { recursive: true });
    },
  };
}

interface Report {
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

function reportOf({ stdout, stderr }: PimResult): Report {
  ok(stdout.startsWith("{"), stderr);
  return JSON.parse(stdout);
}

const namesOf = ({ checks }: Report, result: Check["result"]) =>
  checks.filter((check) => check.result === result).map(({ name }) => name);

Deno.test("the demo's image passed every check before it was registered, and is told to have", async () => {
  const demo = await demoImage();
  const told = demo.events.flatMap((event) =>
    event.type === "output" && event.step === "verify" ? [event.line] : []
  );
  const results = told.flatMap((line) =>
    /^(passed|failed|skipped) ([^:]+): (.*)/.exec(line)?.slice(1, 4) ?? []
  );
  const checks = Array.from({ length: results.length / 3 }, (_, at) => results.slice(at * 3, at * 3 + 3));
  ok(checks.length >= 15, told.join("\n"));
  deepStrictEqual(checks.filter(([result]) => result !== "passed"), []);
  const found = new Map(checks.map(([_, name, detail]) => [name, detail]));
  match(found.get("boot") ?? "", /^multi-user after \d/);
  strictEqual(found.get("login"), "as demo with the password");
  strictEqual(found.get("script demo"), "greeting: hello from pim's vars");
  match(found.get("host keys") ?? "", /ssh-ed25519/);
  await using place = await home();
  const shown = await place.pim("build", "show", "demo", "--json");
  strictEqual(JSON.parse(shown.stdout).verified.ok, true);
});

Deno.test("an image that is spoilt in many ways fails exactly the checks that look for them", async () => {
  await using place = await home();
  const image = join(place.dir, "spoilt.raw");
  const hostKey = await generateKeyPair("fixed");
  const unit = "[Unit]\nDescription=Broken\n[Service]\nType=oneshot\nExecStart=/bin/false\n";
  await spoil(place.image, image, {
    "/etc/systemd/system/broken.service": unit,
    "/etc/systemd/system/multi-user.target.wants/broken.service": { link: "../broken.service" },
    "/etc/machine-id": `${"5".repeat(32)}\n`,
    "/etc/ssh/ssh_host_ed25519_key": hostKey.privateKey,
    "/etc/ssh/ssh_host_ed25519_key.pub": `${hostKey.publicKey}\n`,
    "/root/.ssh/authorized_keys": "ssh-ed25519 AAAA pim-build-key\n",
    "/var/lib/apt/lists/example.org_Packages": "Package: x\n",
    "/var/log/old.log": "x".repeat(9 * 1024 * 1024),
  });
  await place.write({
    "profiles.d/other.ts": `export default {
      username: "nobody-here", password: "demo-Passw0rd", hostname: "elsewhere", packages: ["no-such-package", "curl"],
    };`,
    "verifications.d/other.sh": "#!/bin/sh\necho it rains\nexit 3\n",
  });
  const result = await place.pim("verify", image, "--profile", "other", "--json");
  const report = reportOf(result);
  strictEqual(result.code, 8, result.stderr);
  deepStrictEqual(namesOf(report, "failed"), [
    ...["failed units", "login", "build key", "package lists", "logs", "user", "host name", "packages"],
    ...["script other", "machine-id", "host keys"],
  ]);
  deepStrictEqual(namesOf(report, "passed"), ["boot", "guest agent", "SSH", "cloud-init"]);
  const found = new Map(report.checks.map(({ name, detail }) => [name, detail]));
  strictEqual(found.get("failed units"), "broken.service");
  strictEqual(found.get("build key"), "left in /root/.ssh/authorized_keys");
  strictEqual(found.get("script other"), "it exited with 3: it rains");
  match(found.get("logs") ?? "", /the largest is \/var\/log\/old\.log$/);
  match(found.get("host keys") ?? "", /the same: ssh-ed25519$/);
  match(
    result.stderr,
    /error: The image .*spoilt\.raw is not as it shall be: 11 of 15 checks failed: failed units, /,
  );
  deepStrictEqual(place.left(), []);
});

Deno.test("an image whose system cannot start fails at once, with what the console said", async () => {
  await using place = await home();
  const image = join(place.dir, "dead.raw");
  await spoil(place.image, image, { "/usr/lib/systemd/systemd": null });
  const startedMs = performance.now();
  const result = await place.pim("verify", image, "--timeout", "300");
  strictEqual(result.code, 8, result.stderr);
  match(
    result.stdout,
    /^boot +failed +\d+\.\d s +the console says: Target filesystem doesn't have requested/m,
  );
  match(result.stdout, /^machine-id +skipped .*the guest agent does not answer$/m);
  ok(performance.now() - startedMs < 120_000, "it was not waited for until the deadline");
  deepStrictEqual(place.left(), []);
});

Deno.test("what cannot be verified is wrong usage", async () => {
  await using place = await home();
  const unknown = await place.pim("verify", "dmo");
  strictEqual(unknown.code, 2);
  match(unknown.stderr, /There is no image "dmo"\nhint: Did you mean demo\?/);
  const noProfile = await place.pim("verify", place.image, "--profile", "dmeo");
  strictEqual(noProfile.code, 2);
  match(noProfile.stderr, /There is no profile dmeo\nhint: Did you mean demo\?/);
});
