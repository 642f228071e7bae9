import { deepStrictEqual, match, ok, rejects, strictEqual } from "node:assert/strict";
import { join } from "node:path";
import { hashFile } from "../../../../lib/hash.ts";
import { run } from "../../../../lib/process.ts";
import { pim, startPim } from "../../../e2e/pim.ts";
import { deployFailure } from "../../../deploy/deploy_failure.ts";
import { startProxy } from "./proxy.ts";
import { sshPlace } from "./ssh_place.ts";

const filledBytes = 24 * 1024 * 1024;

for (const by of ["ssh", "pim"]) {
  Deno.test(`an upload by ${by} whose connection is cut half-way goes on from there over a new one`, async () => {
    let port = 0;
    await using proxy = await startProxy(() => port, { bytes: filledBytes / 2, how: "cut" });
    await using place = await sshPlace({
      ...{ filledBytes, secretKey: by === "pim" },
      port: (sshd) => {
        port = sshd.port;
        return proxy.port;
      },
    });
    const { path } = (await place.deploy("lab")).ids;
    strictEqual(await hashFile(path!, "sha256"), place.image.sha256);
    // pim's own, and ssh's beside it.
    strictEqual(proxy.connections(), by === "pim" ? 2 : 4);
    ok(proxy.sent() < filledBytes * 1.4, `${proxy.sent()} bytes were sent for ${filledBytes}`);
    deepStrictEqual(place.files().filter((name) => name.startsWith(".")), []);
  });

  Deno.test(`after kill -9 of an upload by ${by} the same command goes on, and a third does nothing`, async () => {
    let port = 0;
    await using proxy = await startProxy(() => port, { bytes: filledBytes / 2, how: "hold" });
    await using place = await sshPlace({
      ...{ filledBytes, secretKey: by === "pim" },
      port: (sshd) => {
        port = sshd.port;
        return proxy.port;
      },
    });
    const args = ["deploy", "run", "demo", "lab", "--json"];
    const killed = startPim(args, { env: place.env });
    while (proxy.sent() <= filledBytes / 2) await new Promise((resolve) => setTimeout(resolve, 20));
    killed.kill("SIGKILL");
    await killed.result;
    const file = `${place.image.entry.name}.qcow2`;
    deepStrictEqual(place.files(), [`.${file}.part`], "nothing half-made has the image's name");
    strictEqual((await place.deployments())[0]?.state, "unfinished");
    const status = await pim(["deploy", "status"], { env: place.env });
    match(status.stdout, /unfinished/);
    const before = proxy.sent();
    const second = await pim(args, { env: place.env });
    strictEqual(second.code, 0, second.stderr);
    ok(proxy.sent() - before < filledBytes * 0.8, `${proxy.sent() - before} bytes were sent again`);
    deepStrictEqual(place.files(), [file, `${file}.sha256`]);
    strictEqual(await hashFile(join(place.folder, file), "sha256"), place.image.sha256);
    const third = await pim(["deploy", "run", "demo", "lab"], { env: place.env });
    match(third.stderr, /it is there already/);
    // An ssh that lost its pim is still there, and sshd waits for it.
    await proxy[Symbol.asyncDispose]();
  });
}

Deno.test("what was left of another file is not gone on from", async () => {
  await using place = await sshPlace();
  await Deno.mkdir(place.folder, { recursive: true });
  const file = `${place.image.entry.name}.qcow2`;
  await Deno.writeFile(join(place.folder, `.${file}.part`), new Uint8Array(100_000).fill(7));
  await place.deploy("lab");
  strictEqual(await hashFile(join(place.folder, file), "sha256"), place.image.sha256);
});

Deno.test("a file that arrived otherwise than it was sent is removed, and the failure says so", async () => {
  const bin = await Deno.makeTempDir({ prefix: "pim-bin-" });
  const lie = `#!/bin/sh\ncat >/dev/null; echo ${"0".repeat(64)}\n`;
  for (const program of ["openssl", "sha256sum", "shasum"]) {
    await Deno.writeTextFile(join(bin, program), lie);
    await Deno.chmod(join(bin, program), 0o755);
  }
  const config = ["Subsystem sftp internal-sftp", `SetEnv PATH=${bin}:/usr/bin:/bin`];
  await using place = await sshPlace({ sshd: { config } });
  await rejects(
    place.deploy("lab"),
    deployFailure(/what arrived there has the SHA-256 0000/, /It was removed/),
  );
  deepStrictEqual(place.files(), []);
  await Deno.remove(bin, { recursive: true });
});

Deno.test("an image whose file has changed here does not get its name there", async () => {
  await using place = await sshPlace();
  const bytes = await Deno.readFile(place.image.path);
  bytes[bytes.length - 1]! ^= 1;
  await Deno.writeFile(place.image.path, bytes);
  await rejects(place.deploy("lab"), deployFailure(/is not what was built/, /pim build run demo --force/));
  deepStrictEqual(place.files(), []);
});

Deno.test("two deployments at once wait for each other, and the second has nothing to do", async () => {
  await using place = await sshPlace({ filledBytes });
  const [first, second] = await Promise.all([place.deploy("lab"), place.deploy("lab")]);
  deepStrictEqual(first.ids, second.ids);
  strictEqual(place.events.filter(({ type }) => type === "deployed").length, 1);
  strictEqual(place.events.filter(({ type }) => type === "already").length, 1);
});

const mayMount = Deno.uid() === 0 && (await run(["unshare", "-m", "true"]).then(() => true, () => false));

Deno.test({
  name: "a host without room refuses before anything is sent, and says how much is missing (needs root)",
  ignore: !mayMount,
  async fn() {
    const small = await Deno.makeTempDir({ prefix: "pim-small-" });
    await run(["mount", "-t", "tmpfs", "-o", "size=512k", "none", small]);
    try {
      await using place = await sshPlace({ settings: [`path: ${small}`] });
      await rejects(
        place.deploy("lab"),
        deployFailure(/There is no room .*1\.31 MiB are needed, and 512 KiB are free/),
      );
      deepStrictEqual([...Deno.readDirSync(small)], []);
    } finally {
      await run(["umount", small]);
      await Deno.remove(small);
    }
  },
});

Deno.test("a Windows host computes checksums with PowerShell", async () => {
  const bin = await Deno.makeTempDir({ prefix: "pim-cmd-" });
  const shell = join(bin, "cmd");
  // What sshd on Windows does with commands, as far as we use them.
  await Deno.writeTextFile(
    shell,
    `#!/bin/bash
case "$SSH_ORIGINAL_COMMAND" in
  *sftp*) exec /usr/lib/openssh/sftp-server ;;
  "powershell -NoProfile -NonInteractive -EncodedCommand "*)
    script=$(echo "\${SSH_ORIGINAL_COMMAND##* }" | base64 -d | iconv -f utf-16le -t utf-8)
    echo "$script" >> ${bin}/scripts
    path=$(echo "$script" | sed -n "s/.*OpenRead('\\(.*\\)')/\\1/p" | sed "s/''/'/g")
    bytes=$(echo "$script" | sed -n 's/^$rest = \\[long\\]\\([0-9]*\\)$/\\1/p')
    head -c "\${bytes:-999999999}" "$path" | sha256sum | cut -c1-64 | tr a-f A-F ;;
  *) echo "'\${SSH_ORIGINAL_COMMAND%% *}' is not recognized as an internal or external command," >&2; exit 1 ;;
esac
`,
  );
  await Deno.chmod(shell, 0o755);
  const config = ["Subsystem sftp internal-sftp", `ForceCommand ${shell}`];
  await using place = await sshPlace({ sshd: { config } });
  const { path } = (await place.deploy("lab")).ids;
  strictEqual(await hashFile(path!, "sha256"), place.image.sha256);
  match(await Deno.readTextFile(join(bin, "scripts")), /\$rest = \[long\]\$file\.Length/);
  await Deno.remove(bin, { recursive: true });
});
