import assert from "node:assert/strict";
import { load } from "js-yaml";
import { parse } from "valibot";
import { verify } from "unixcrypt";
import { run } from "../../lib/process.ts";
import { profileSchema } from "../../lib/profile/schema.ts";
import type { Profile } from "../../lib/profile/types.ts";
import { renderAnswer, renderAnswers } from "../../lib/serve/answers.ts";
import { autoinstallCheck } from "./autoinstall_schema.ts";
import { checkWithDebconf } from "./debconf.ts";
import { source } from "./sources.ts";
import { variedProfile } from "./varied_profiles.ts";

const count = 30;
const numbers = Array.from({ length: count }, (_, n) => n);

Deno.test("The varied profiles are profiles that a user could write", () => {
  for (const n of numbers) {
    parse(profileSchema, variedProfile(n).debian);
    parse(profileSchema, variedProfile(n).ubuntu);
  }
});

/** The questions and answers of a preseed, read as debconf-set-selections does: continued lines are one. */
function readPreseed(text: string): Map<string, { type: string; value: string }> {
  const answers = new Map<string, { type: string; value: string }>();
  const joined = text.split("\n").filter((line) => !/^\s*(#|$)/.test(line)).join("\n").replaceAll(
    /\s*\\\n\s*/g,
    " ",
  );
  for (const line of joined.split("\n")) {
    const [, owner, question, type, value = ""] = /^(\S+)\s+(\S+)\s+(\S+)(?:\s(.*))?$/.exec(line) ?? [];
    assert.ok(owner && question && type, `not an answer: ${line}`);
    assert.ok(["string", "boolean", "select", "multiselect", "password", "note"].includes(type), line);
    answers.set(question, { type, value });
  }
  return answers;
}

// What the real installer asks at priority critical, or does wrong when it is not told.
const demanded = [
  "debian-installer/language",
  "debian-installer/country",
  "debian-installer/locale",
  "keyboard-configuration/xkb-keymap",
  "passwd/root-login",
  "passwd/make-user",
  "passwd/user-fullname",
  "passwd/username",
  "passwd/user-password-crypted",
  "partman-auto/method",
  "partman/choose_partition",
  "partman/confirm",
  "partman/confirm_nooverwrite",
  "grub-installer/bootdev",
  "finish-install/reboot_in_progress",
  "tasksel/first",
  "pkgsel/upgrade",
  "popularity-contest/participate",
  "mirror/http/proxy",
  "preseed/late_command",
];

function checkPreseed(preseed: string, profile: Profile): void {
  const answers = readPreseed(preseed);
  const valueOf = (question: string) => answers.get(question)?.value;
  for (const question of demanded) assert.ok(answers.has(question), `${question} is not answered`);
  assert.equal(valueOf("passwd/user-fullname"), profile.fullname);
  assert.equal(valueOf("passwd/username"), profile.username);
  assert.equal(valueOf("netcfg/get_hostname"), profile.hostname);
  assert.equal(valueOf("mirror/http/hostname"), profile.mirrorHost);
  assert.equal(answers.has("passwd/root-password-crypted"), profile.rootLogin);
  const hash = valueOf("passwd/user-password-crypted") ?? "";
  if (profile.password !== undefined) assert.ok(verify(profile.password, hash));
  else assert.equal(hash, profile.passwordHash ?? "!");
  const recipe = profile.partitioning?.recipe ?? "atomic";
  if (recipe.includes("::")) {
    assert.equal(valueOf("partman-auto/expert_recipe"), recipe.replaceAll(/\s*\n\s*/g, " "));
  } else assert.equal(valueOf("partman-auto/choose_recipe"), recipe);
  const packages = valueOf("pkgsel/include")?.split(" ") ?? [];
  assert.equal(new Set(packages).size, packages.length);
  for (const name of ["openssh-server", "sudo", "qemu-guest-agent", ...profile.packages ?? []]) {
    assert.ok(packages.includes(name), name);
  }
}

Deno.test(`The preseeds of ${count} varied profiles answer what the installer demands and pass debconf-set-selections`, async () => {
  const bodies: string[] = [];
  for (const n of numbers) {
    const { debian } = variedProfile(n);
    const { body } = await renderAnswer("/preseed.cfg", source(`p${n}`, debian));
    checkPreseed(body, debian);
    bodies.push(`# Profile ${n}\n${body}`);
  }
  // All in one file: what it takes is the start of Perl.
  assert.equal((await checkWithDebconf(bodies.join("\n"))).stderr, "");
});

Deno.test("debconf-set-selections --checkonly does find a wrong line", async () => {
  const result = await checkWithDebconf("d-i\n", { okStatus: [0, 1] });
  assert.notEqual(result.code, 0);
});

Deno.test(`The user-data of ${count} varied profiles is valid autoinstall`, async (t) => {
  const { check, by } = await autoinstallCheck();
  await t.step(`checked by ${by}`, async () => {
    for (const n of numbers) {
      const { ubuntu } = variedProfile(n);
      const { body } = await renderAnswer(
        "/user-data",
        source(`p${n}`, ubuntu, n % 2 === 0 ? "amd64" : "arm64"),
      );
      const { autoinstall } = load(body) as { autoinstall: Record<string, Record<string, unknown>> };
      assert.deepEqual(check(autoinstall), [], `profile ${n}`);
      assert.equal(autoinstall.identity?.username, ubuntu.username);
      assert.deepEqual(autoinstall.ssh?.["authorized-keys"], ubuntu.sshAuthorizedKeys);
      // That it is the password's is seen in the preseeds; here, that it arrives whole.
      const hash = String(autoinstall.identity?.password);
      if (ubuntu.password !== undefined) assert.match(hash, /^\$6\$[\w./]+\$[\w./]{86}$/);
    }
  });
});

Deno.test("The check of user-data does find what is wrong", async () => {
  const { check } = await autoinstallCheck();
  assert.notDeepEqual(check({ version: 2 }), []);
  const { body } = await renderAnswer("/user-data", source("x", { answers: { packages: "git" } }));
  const { autoinstall } = load(body) as { autoinstall: unknown };
  assert.equal(check(autoinstall).some((problem) => problem.includes("packages")), true);
});

Deno.test(`The install scripts of ${count} varied profiles are valid sh and carry every key`, async () => {
  for (const n of numbers) {
    const { password, ...debian } = variedProfile(n).debian;
    // The script takes any hash; to make one is what takes time.
    const passwordHash = password === undefined ? debian.passwordHash : "$6$salt$hash";
    const answers = await renderAnswers({
      ...source(`p${n}`, { ...debian, passwordHash }),
      buildKey: "ssh-ed25519 BUILD x",
      paths: ["/install.sh"],
    });
    const script = answers.get("/install.sh")?.body ?? "";
    await run(["sh", "-n"], { stdin: script });
    // The script's own quoting, undone by a real shell.
    const keys = `add_key() { printf '%s\\n' "$1"; }\n${script.match(/^add_key '[^]*?'$/gm)?.join("\n")}`;
    const { stdout } = await run(["sh"], { stdin: keys });
    const wanted = [...debian.sshAuthorizedKeys ?? [], "ssh-ed25519 BUILD pim-build-key"].map((key) =>
      key.trim()
    );
    assert.deepEqual(stdout.trimEnd().split("\n"), wanted.filter((key) => key !== ""));
  }
});
