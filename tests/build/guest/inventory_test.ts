import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { parseOsRelease, readInventory } from "../../../lib/build/guest/inventory.ts";
import { packageManagers } from "../../../lib/build/guest/package_lists.ts";
import type { PackageFormat } from "../../../lib/image/manifest.ts";
import { run, which } from "../../../lib/process.ts";
import { connectSsh } from "../../../lib/ssh/session.ts";
import { startSshd } from "../../ssh/sshd.ts";

const parse = (format: PackageFormat, output: string) =>
  packageManagers.find((each) => each.format === format)!.parse(output);

Deno.test("dpkg's list has what is installed, and not what was removed", () => {
  deepEqual(
    parse(
      "deb",
      "installed\tzlib1g\t1:1.2.13.dfsg-1\tamd64\tzlib\n" +
        "config-files\told\t1.0\tamd64\told\n" +
        "not-installed\tnever\t\tamd64\tnever\n" +
        "half-configured\tbroken\t2.0-1\tall\tbroken\n" +
        "installed\tlibc6\t2.36-9\ti386\tglibc\n" +
        "installed\tlibc6\t2.36-9\tamd64\tglibc\n",
    ),
    [
      { name: "broken", version: "2.0-1", architecture: "all" },
      { name: "libc6", version: "2.36-9", architecture: "amd64", source: "glibc" },
      { name: "libc6", version: "2.36-9", architecture: "i386", source: "glibc" },
      { name: "zlib1g", version: "1:1.2.13.dfsg-1", architecture: "amd64", source: "zlib" },
    ],
  );
});

Deno.test("rpm's list has epochs only where there are any, source packages by name, and no keys", () => {
  deepEqual(
    parse(
      "rpm",
      "dbus-libs\t1:1.14.10-1.fc38\tx86_64\tdbus-1.14.10-1.fc38.src.rpm\n" +
        "bash\t0:5.2.15-3.fc38\tx86_64\tbash-5.2.15-3.fc38.src.rpm\n" +
        "gpg-pubkey\t0:eb10b464-6202d9c6\t(none)\t(none)\n",
    ),
    [
      { name: "bash", version: "5.2.15-3.fc38", architecture: "x86_64" },
      { name: "dbus-libs", version: "1:1.14.10-1.fc38", architecture: "x86_64", source: "dbus" },
    ],
  );
});

Deno.test("apk's database is read record by record", () => {
  deepEqual(
    parse(
      "apk",
      "C:Q1abc=\nP:musl\nV:1.2.5-r0\nA:x86_64\no:musl\nF:lib\nR:ld-musl.so\n\n" +
        "C:Q1def=\nP:ssl_client\nV:1.36.1-r29\nA:x86_64\no:busybox\n\n",
    ),
    [
      { name: "musl", version: "1.2.5-r0", architecture: "x86_64" },
      { name: "ssl_client", version: "1.36.1-r29", architecture: "x86_64", source: "busybox" },
    ],
  );
});

Deno.test("os-release is read as a shell would read it", () => {
  const text =
    '# comment\nID=debian\nPRETTY_NAME="A \\"small\\" system"\nVERSION_ID=\'12\'\nEMPTY=\nBUILD="a=b"\n';
  deepEqual(Object.fromEntries(parseOsRelease(text)), {
    ID: "debian",
    PRETTY_NAME: 'A "small" system',
    VERSION_ID: "12",
    EMPTY: "",
    BUILD: "a=b",
  });
});

/** A session with a real sshd on this machine, whose commands come from `bin` first, or from there only. */
async function inGuest(
  programs: Readonly<Record<string, string>>,
  only: boolean,
  test: (inventory: ReturnType<typeof readInventory>) => Promise<void>,
): Promise<void> {
  const bin = await Deno.makeTempDir({ prefix: "pim-bin-" });
  for (const [name, text] of Object.entries(programs)) {
    await Deno.writeTextFile(join(bin, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  await using sshd = await startSshd({
    config: [`SetEnv PATH=${only ? bin : `${bin}:/usr/bin:/bin`} SHLVL=2`],
  });
  try {
    await using ssh = await connectSsh({
      host: "127.0.0.1",
      port: sshd.port,
      username: sshd.username,
      auth: [{ privateKey: sshd.key.privateKey }],
      timeoutMs: 10_000,
    });
    await test(readInventory(ssh, new AbortController().signal));
  } finally {
    await Deno.remove(bin, { recursive: true });
  }
}

Deno.test({
  name: "the inventory of a real Debian has its kernel and all its packages",
  ignore: await which("dpkg-query") === undefined,
  fn: () =>
    inGuest({}, false, async (asked) => {
      const { system, packages } = await asked;
      equal(system.packageFormat, "deb");
      equal(system.kernel, (await run(["uname", "-r"])).stdout.trim());
      ok(system.id !== "" && system.prettyName !== "");
      const { stdout } = await run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\n"]);
      const installed = stdout.match(/^installed .*$/gm)?.map((line) => line.replace("installed ", ""))
        .sort();
      deepEqual(packages.map(({ name, version }) => `${name} ${version}`).sort(), installed);
    }),
});

Deno.test("a system without a package manager that pim knows has no packages, and that is no error", async () => {
  const programs = { cat: "exit 1", uname: "echo 6.12" };
  await inGuest(programs, true, async (asked) => {
    deepEqual(await asked, { system: { id: "linux", prettyName: "Linux", kernel: "6.12" }, packages: [] });
  });
});

Deno.test("a system with dpkg as a mere tool is asked for its rpm packages", async () => {
  const programs = {
    "dpkg-query": "exit 0",
    rpm: "printf 'bash\\t0:5.2-1\\tx86_64\\tbash-5.2-1.src.rpm\\n'",
    uname: "echo 6.9",
    cat: `echo ID=fedora; echo VERSION_ID=40; echo 'PRETTY_NAME="Fedora Linux 40"'`,
  };
  await inGuest(programs, true, async (asked) => {
    deepEqual(await asked, {
      system: {
        id: "fedora",
        prettyName: "Fedora Linux 40",
        versionId: "40",
        kernel: "6.9",
        packageFormat: "rpm",
      },
      packages: [{ name: "bash", version: "5.2-1", architecture: "x86_64" }],
    });
  });
});

Deno.test("a guest in which nothing can be run fails the step with the reason", async () => {
  await inGuest({}, true, async (asked) => {
    await rejects(asked, /does not tell its kernel's release \(uname -r\)/);
  });
});
