import assert from "node:assert/strict";
import { UsageError } from "../../lib/errors.ts";
import { importRubyProfiles } from "../../lib/profile/import_yaml.ts";
import { profileModule } from "../../lib/profile/module_text.ts";
import type { Profile } from "../../lib/profile/types.ts";
import { tempDir } from "../base/temp.ts";

Deno.test("profiles of the earlier pim become ours, what is not known goes to vars with a note", async () => {
  await using dir = await tempDir({
    "profiles.yml": `default:
  hostname: debian
  username: ansible
  password: changeme
  mirror_host: mirror.example.org
  mirror_path: /debian
  http_proxy: ""
  partitioning_method: lvm
  partitioning_recipe: atomic
  tasksel: standard, ssh-server
  packages: openssh-server curl  sudo
  grub_device: /dev/vda
  timezone:
  desktop: false
developer:
  authorized_keys: [ssh-ed25519 AAAA me]
  packages: [git, vim]
  memory: 4096
`,
  });
  const { profiles, notes } = await importRubyProfiles(`${dir.path}/profiles.yml`);
  assert.deepEqual(profiles, [
    {
      name: "default",
      profile: {
        hostname: "debian",
        username: "ansible",
        password: "changeme",
        mirrorHost: "mirror.example.org",
        mirrorPath: "/debian",
        httpProxy: "",
        partitioning: { method: "lvm", recipe: "atomic" },
        tasksel: ["standard", "ssh-server"],
        packages: ["openssh-server", "curl", "sudo"],
        grubDevice: "/dev/vda",
        vars: { desktop: false },
      },
    },
    {
      name: "developer",
      profile: {
        sshAuthorizedKeys: ["ssh-ed25519 AAAA me"],
        packages: ["git", "vim"],
        build: { memoryMiB: 4096 },
      },
    },
  ]);
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? "", /^default: desktop .*it\.vars\.desktop$/);
});

Deno.test("what cannot be imported is told with file and line", async () => {
  await using dir = await tempDir({ "p.yml": "a: {hostname: ok}\nb:\n  hostname: a.b\n  cpus: many\n" });
  const file = `${dir.path}/p.yml`;
  await assert.rejects(importRubyProfiles(file), {
    message: new RegExp(`^${file}:3 \\(b\\): hostname must be .*\n${file}:4 \\(b\\): build.cpus must be`),
  });
  await dir.write("p.yml", "a: 5\n");
  await assert.rejects(importRubyProfiles(file), { message: `${file}:1: a must be a map` });
  await dir.write("p.yml", "../a: {}\n");
  await assert.rejects(importRubyProfiles(file), UsageError);
  await assert.rejects(importRubyProfiles(`${dir.path}/none.yml`), { message: /^There is no file / });
});

Deno.test("the text of a module gives back the profile it was made of", async () => {
  const profile: Profile = {
    hostname: "web",
    password: 'quote " backslash \\ ${x} `',
    packages: Array.from({ length: 30 }, (_, index) => `package-${index}`),
    sshAuthorizedKeys: [],
    vars: { "odd key": { deep: [1, true, null, { a: "b" }] }, empty: {} },
    domain: undefined,
  };
  await using dir = await tempDir();
  const text = profileModule(profile);
  const file = await dir.write("web.ts", text);
  const { domain: _, ...given } = profile;
  assert.deepEqual((await import(`file://${file}`)).default, given);
  assert.ok(text.split("\n").every((line) => line.length <= 110));
});
