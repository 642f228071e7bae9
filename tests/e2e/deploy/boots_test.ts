import { deepStrictEqual, match, ok, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readTextIfThere } from "../../../lib/files.ts";
import { hashFile } from "../../../lib/hash.ts";
import type { Deployment } from "../../../lib/image/deployment.ts";
import { start } from "../../../lib/process.ts";
import { acceleratorArgs } from "../../../lib/qemu/platform_args.ts";
import { tempDir } from "../../base/temp.ts";
import { dockerRegistry } from "../../integration/deploy/oci/docker_registry.ts";
import { hostKeyOf } from "../../integration/deploy/ssh/ssh_place.ts";
import { startSshd } from "../../ssh/sshd.ts";
import { demoImage } from "../demo_image.ts";
import { pim } from "../pim.ts";

/** Boots a disk with QEMU alone, without changing it, and waits for its login prompt. */
async function bootsToLogin(disk: string, format: string, dir: string): Promise<void> {
  const console = join(dir, `${format}.log`);
  const qemu = start([
    ...["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-machine", "q35"],
    ...acceleratorArgs("amd64", "tcg"),
    ...["-smp", "1", "-m", "512M", "-display", "none", "-serial", `file:${console}`],
    ...["-drive", `if=virtio,file=${disk},format=${format},snapshot=on`],
  ]);
  try {
    for (let tries = 0; !/ login: $/.test(await readTextIfThere(console) ?? ""); tries++) {
      ok(tries < 600, `${format}: no login prompt: ${(await readTextIfThere(console))?.slice(-500)}`);
      await sleep(500);
    }
  } finally {
    qemu.kill("SIGKILL");
    await qemu.ended;
  }
}

// By the names that QEMU knows them by.
const formats = { raw: "raw", vmdk: "vmdk", vhdx: "vhdx", vhd: "vpc" } as const;
// Its own verification boots it; the others are booted by QEMU alone.
const verified = "vmdk";

Deno.test("the demo's image boots from each format of a file, and goes to a host and a registry and back unchanged", async () => {
  const demo = await demoImage();
  await using dir = await tempDir();
  await using sshd = await startSshd();
  await using registry = await dockerRegistry();
  const key = await dir.write("key", sshd.key.privateKey);
  await Deno.chmod(key, 0o600);
  const files = Object.keys(formats).map((format) =>
    `${format}: { type: file, path: ${dir.path}/out, format: ${format}, verify: ${format === verified} }\n`
  );
  const ssh = `host: { type: ssh, host: 127.0.0.1, port: ${sshd.port}, username: ${sshd.username}, ` +
    `key: "file:${key}", host_key: "${await hostKeyOf(sshd)}", path: ${dir.path}/far }\n`;
  const oci = `hub: { type: oci, reference: "${registry.host}/demo:latest" }\n`;
  await dir.write("config/targets.d/all.yml", [...files, ssh, oci].join(""));
  const env = { ...demo.env, PIM_CONFIG_DIR: join(dir.path, "config"), PIM_PROJECT: demo.project };
  const deployed = await pim(["deploy", "run", "demo", ...Object.keys(formats), "host", "hub"], { env });
  strictEqual(deployed.code, 0, deployed.stderr);
  const deployments: readonly Deployment[] = JSON.parse(
    (await pim(["deploy", "list", "--json"], { env })).stdout,
  );
  const [at, sha256] = [
    (target: string) => deployments.find((each) => each.target === target),
    deployments[0]?.sha256,
  ];
  strictEqual(await hashFile(at("host")?.ids.path ?? "", "sha256"), sha256);

  const other = { PIM_CONFIG_DIR: env.PIM_CONFIG_DIR, PIM_DATA_DIR: dir.path, PIM_CACHE_DIR: dir.path };
  const pulled = await pim(["image", "pull", `${registry.host}/demo:latest`], { env: other });
  strictEqual(pulled.code, 0, pulled.stderr);
  match(pulled.stdout, /^\/.*\/images\/demo-amd64-.*\.qcow2\n$/);
  strictEqual(await hashFile(pulled.stdout.trim(), "sha256"), sha256);

  deepStrictEqual(deployments.filter(({ verified }) => verified?.ok).map(({ target }) => target), [verified]);
  match(deployed.stderr, /^passed {2}login: as demo with the password$/m);

  // Two at a time: each has one CPU.
  const boots = Object.entries(formats).filter(([name]) => name !== verified).map(([name, format]) => () =>
    bootsToLogin(at(name)?.where ?? "", format, dir.path)
  );
  for (let next = 0; next < boots.length; next += 2) {
    await Promise.all(boots.slice(next, next + 2).map((boot) => boot()));
  }
});
