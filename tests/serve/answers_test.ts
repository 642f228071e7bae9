import assert from "node:assert/strict";
import { verify } from "unixcrypt";
import { load } from "js-yaml";
import { debian } from "../../lib/installer/debian.ts";
import { kernelLine } from "../../lib/installer/kernel_line.ts";
import { ubuntu } from "../../lib/installer/ubuntu.ts";
import { redact } from "../../lib/log.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";
import type { Profile } from "../../lib/profile/types.ts";
import { renderAnswer, renderAnswers } from "../../lib/serve/answers.ts";
import { assertGolden } from "./golden.ts";
import { finder, folderWith, source } from "./sources.ts";

const profiles: Record<string, Profile> = {
  minimal: {},
  developer: {
    username: "ansible",
    password: "correct horse",
    fullname: "Zoë O'Neill",
    sshAuthorizedKeys: ["ssh-ed25519 AAAAC3Nza zoe@example.org"],
    locale: "de_DE.UTF-8",
    keyboard: "de",
    timezone: "Europe/Berlin",
    hostname: "dev1",
    domain: "example.org",
    mirrorHost: "10.0.2.2:18080",
    mirrorPath: "/debian",
    httpProxy: "http://proxy.example.org:3128",
    packages: ["git", "vim", "sudo"],
    build: { kernelArgs: ["---", "net.ifnames=0"] },
  },
  server: {
    password: "x",
    rootLogin: true,
    mirrorHost: "ftp.de.debian.org",
    partitioning: { method: "lvm", disk: "/dev/sda" },
    tasksel: ["standard", "ssh-server"],
    grubDevice: "/dev/sdb",
    vars: { sudoWithoutPassword: true },
  },
};

for (const [name, profile] of Object.entries(profiles)) {
  Deno.test(`The answer files and kernel lines of the profile ${name} are as they were`, async () => {
    const options = {
      ...source(name, profile),
      buildKey: name === "developer" ? "ssh-ed25519 AAAAbuild x" : undefined,
    };
    const answers = await renderAnswers(options);
    await assertGolden(`answers/${name}.cfg`, answers.get("/preseed.cfg")?.body ?? "");
    await assertGolden(`answers/${name}.user-data`, answers.get("/user-data")?.body ?? "");
    await assertGolden(`answers/${name}.sh`, answers.get("/install.sh")?.body ?? "");
    const lines = [debian, ubuntu].flatMap((installer) =>
      (["amd64", "arm64"] as const).map((architecture) =>
        kernelLine(installer.kernelArgs({
          baseUrl: options.baseUrl,
          profile: options.profile,
          architecture,
          syslog: { host: "10.0.2.2", port: 5514 },
        }))
      )
    );
    await assertGolden(`answers/${name}.kernel-lines`, lines.join("\n") + "\n");
  });
}

Deno.test("The password goes out as a hash only, and neither appears in the log", async () => {
  const answers = await renderAnswers(source("x", { password: "correct horse" }));
  for (const [path, { body }] of answers) assert.ok(!body.includes("correct horse"), path);
  const hash = /user-password-crypted password (\S+)/.exec(answers.get("/preseed.cfg")?.body ?? "")?.[1] ??
    "";
  assert.match(hash, /^\$6\$saltsaltsaltsalt\$/);
  assert.ok(verify("correct horse", hash));
  assert.equal(redact(`${hash} correct horse`), "*** ***");
});

Deno.test("The hash is that of crypt(3), for other alphabets too", async () => {
  // What `openssl passwd -6 -salt SALT` prints for them.
  const hashOf = async (password: string, salt: string) =>
    /crypted password (\S+)/.exec(
      (await renderAnswer("/preseed.cfg", { ...source("x", { password }), salt })).body,
    )?.[1];
  assert.equal(
    await hashOf("Hello world!", "saltstring"),
    "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
  );
  assert.equal(
    await hashOf("pässwörd:'\"$", "saltsalt"),
    "$6$saltsalt$.A2nATaSgi0/5/si3dXrmYegXqsoL9eDN86GY1p0xKZHj53Asu9SonO9H4hSRaqACDRWI9o/mgHuV82YnFrO31",
  );
});

Deno.test("Without a salt each hash is another one", async () => {
  const hashes = new Set<string>();
  for (let n = 0; n < 2; n++) {
    const { body } = await renderAnswer("/preseed.cfg", {
      ...source("x", { password: "pw" }),
      salt: undefined,
    });
    hashes.add(/crypted password (\S+)/.exec(body)?.[1] ?? "");
  }
  assert.equal(hashes.size, 2);
});

Deno.test("A profile's own hash is used as it is", async () => {
  const { body } = await renderAnswer("/preseed.cfg", source("x", { passwordHash: "$y$j9T$abc$def" }));
  assert.match(body, /user-password-crypted password \$y\$j9T\$abc\$def\n/);
});

Deno.test("The build key is written with the comment that finalize looks for", async () => {
  const { body } = await renderAnswer("/install.sh", {
    ...source("x", {}),
    buildKey: "ssh-ed25519 AAAA someone@host",
  });
  assert.match(body, /^add_key 'ssh-ed25519 AAAA pim-build-key'$/m);
});

Deno.test("A profile's answers stand at the end of the preseed", async () => {
  const answers = ["d-i time/zone string Asia/Tokyo", "d-i debian-installer/exit/poweroff boolean true"];
  const { body } = await renderAnswer("/preseed.cfg", source("x", { answers }));
  assert.ok(body.endsWith(answers.join("\n") + "\n"));
});

Deno.test("A profile's answers are merged into autoinstall: maps merge, lists and scalars replace", async () => {
  const answers = {
    identity: { hostname: "other" },
    packages: ["jq"],
    "ubuntu-pro": { token: "C123" },
    on: "yes",
  };
  const { body } = await renderAnswer("/user-data", source("x", { username: "bob", answers }));
  assert.ok(body.startsWith("#cloud-config\n"));
  const { autoinstall } = load(body) as { autoinstall: Record<string, Record<string, unknown>> };
  assert.equal(autoinstall.identity?.hostname, "other");
  assert.equal(autoinstall.identity?.username, "bob");
  assert.deepEqual(autoinstall.packages, ["jq"]);
  assert.deepEqual(autoinstall["ubuntu-pro"], { token: "C123" });
  assert.match(body, /"on": "yes"/);
});

Deno.test("Answers of the wrong form say which form the family takes", async () => {
  await assert.rejects(
    renderAnswer("/preseed.cfg", source("x", { answers: { a: 1 } })),
    /a preseed takes a list of lines/,
  );
  await assert.rejects(
    renderAnswer("/user-data", source("x", { answers: ["d-i a b c"] })),
    /Ubuntu takes a map/,
  );
});

Deno.test("A partitioning that Ubuntu does not have is an error, unless the profile brings its own storage", async () => {
  const partitioning = { recipe: "home" };
  await assert.rejects(
    renderAnswer("/user-data", source("x", { partitioning })),
    /user-data\.eta:\d+: .*answers\.storage/,
  );
  const answers = { storage: { layout: { name: "zfs" } } };
  const { body } = await renderAnswer("/user-data", source("x", { partitioning, answers }));
  assert.match(body, /"name": "zfs"/);
});

Deno.test("An encrypted disk needs its passphrase in vars", async () => {
  const partitioning = { method: "crypto" as const };
  await assert.rejects(
    renderAnswer("/preseed.cfg", source("x", { partitioning })),
    /it\.vars\.diskPassphrase is not defined/,
  );
  const { body } = await renderAnswer(
    "/preseed.cfg",
    source("x", { partitioning, vars: { diskPassphrase: "s3 cret" } }),
  );
  assert.match(body, /partman-crypto\/passphrase-again password s3 cret\n/);
});

Deno.test("A line break in a value cannot add a line to an answer file", async () => {
  await assert.rejects(
    renderAnswer("/preseed.cfg", source("x", { fullname: "a\nd-i preseed/early_command string reboot" })),
    /fullname cannot hold a line break/,
  );
  await assert.rejects(
    renderAnswer("/install.sh", source("x", { sshAuthorizedKeys: ["a\nb"] })),
    /sshAuthorizedKeys/,
  );
  await assert.rejects(renderAnswer("/preseed.cfg", source("x", { fullname: "a\\" })), /end in a backslash/);
});

Deno.test("The file named after the profile is taken before the default, in any folder", async () => {
  await using user = await folderWith({
    "preseeds.d/web.cfg": "plain <%= kept %>\n",
    "installs.d/default.sh": "mine\n",
  });
  const options = { ...source("web", {}), find: finder("web", user.path) };
  assert.equal((await renderAnswer("/preseed.cfg", options)).body, "plain <%= kept %>\n");
  // config.example has default.sh.eta; the .eta ending is tried first in each place.
  assert.match((await renderAnswer("/install.sh", options)).body, /^#!\/bin\/sh/);
  const other = { ...options, profile: resolveProfile("db", {}, "amd64"), find: finder("db", user.path) };
  assert.match((await renderAnswer("/preseed.cfg", other)).body, /^#_preseed_V1/);
});

Deno.test("A template that is missing or unreadable is named", async () => {
  const missing = { ...source("web", {}), find: () => Promise.resolve(undefined) };
  await assert.rejects(
    renderAnswer("/preseed.cfg", missing),
    /There is no preseeds\.d\/web\.cfg\.eta and no/,
  );
  const folder = { ...missing, find: () => Promise.resolve(Deno.cwd()) };
  await assert.rejects(renderAnswer("/preseed.cfg", folder), /^UsageError: Cannot read /);
});

Deno.test("User-data that is no autoinstall is refused", async () => {
  await using user = await folderWith({
    "preseeds.d/a.user-data": "#cloud-config\nautoinstall: [\n",
    "preseeds.d/b.user-data": "autoinstall: {version: 1}\n",
  });
  const options = (name: string) => ({ ...source(name, {}), find: finder(name, user.path) });
  await assert.rejects(
    renderAnswer("/user-data", options("a")),
    /a\.user-data \(rendered\):\d+ is not valid YAML/,
  );
  await assert.rejects(renderAnswer("/user-data", options("b")), /must begin with #cloud-config/);
});

Deno.test("Cloud-init's meta-data names the host, and vendor-data is empty", async () => {
  const answers = await renderAnswers({
    ...source("web", { hostname: "h1" }),
    paths: ["/meta-data", "/vendor-data"],
  });
  assert.deepEqual(load(answers.get("/meta-data")?.body ?? ""), {
    "instance-id": "pim-web",
    "local-hostname": "h1",
  });
  assert.deepEqual(load(answers.get("/vendor-data")?.body ?? ""), {});
  assert.deepEqual([...answers.keys()], ["/meta-data", "/vendor-data"]);
});
