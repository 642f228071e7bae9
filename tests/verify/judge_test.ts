import { deepStrictEqual, match, strictEqual } from "node:assert/strict";
import { judgeIdentity, parseIdentity } from "../../lib/verify/checks/identity.ts";
import { missingPackages, packageName, profileChecks } from "../../lib/verify/checks/profile.ts";
import { bootCheck, cloudInit, failedUnits } from "../../lib/verify/checks/system.ts";
import { buildKey, logs, packageLists } from "../../lib/verify/checks/traces.ts";
import type { GuestCheck } from "../../lib/verify/guest_check.ts";
import { describeVerification, failed, passed, skipped } from "../../lib/verify/verification.ts";
import { resolveProfile } from "../../lib/profile/resolved.ts";

const said = (check: GuestCheck, stdout: string, status = 0, stderr = "") =>
  check.judge({ status, stdout, stderr });

const profile = resolveProfile("web", {
  username: "ann",
  hostname: "web",
  domain: "example.org",
  packages: ["curl", "awk", "vim-", "git/stable", "libc6:amd64", "jq=1.6-2", "g++"],
  sshAuthorizedKeys: ["ssh-ed25519 AAAAC3Nza+1 ann@example.org"],
}, "amd64");
const [user, hostName, packages] = profileChecks(profile) as [GuestCheck, GuestCheck, GuestCheck];

Deno.test("a boot is right when multi-user.target is active, even where a unit has failed", () => {
  const check = bootCheck(1000);
  const up =
    "waits for x.service\nstate degraded\nActiveState=active\nActiveEnterTimestampMonotonic=20711000\n";
  deepStrictEqual(said(check, up), passed("multi-user after 20.7 s"));
  const rescue = "state maintenance\nActiveState=inactive\nActiveEnterTimestampMonotonic=0\n";
  deepStrictEqual(
    said(check, rescue),
    failed("multi-user.target is inactive, the system is maintenance"),
  );
  strictEqual(said(check, "").result, "failed");
});

Deno.test("failed units are named, with or without systemd's dots before them", () => {
  deepStrictEqual(said(failedUnits, ""), passed("none"));
  const list = "● a.service loaded failed failed A\n  b.mount    loaded failed failed B\n";
  deepStrictEqual(said(failedUnits, list), failed("a.service, b.mount"));
  match(said(failedUnits, "", 1, "Failed to connect to bus: x\n").detail, /^systemctl cannot tell: Failed/);
});

Deno.test("cloud-init is ready when it is done or waits for a seed, and not when it ended in errors", () => {
  deepStrictEqual(said(cloudInit, "status: disabled\n"), passed("ready, and off without a seed"));
  deepStrictEqual(said(cloudInit, "status: done\n"), passed("done"));
  const degraded = "status: done\nextended_status: degraded done\nboot_status_code: x\n";
  deepStrictEqual(said(cloudInit, degraded, 2), passed("done, with errors that it could recover from"));
  deepStrictEqual(
    said(cloudInit, "status: error\ndetail:\n('modules-final', KeyError())\n", 1),
    failed("its status is error: ('modules-final', KeyError())"),
  );
  match(said(cloudInit, "", 1, "Traceback\n").detail, /does not tell its status: Traceback/);
});

Deno.test("what the build left is named", () => {
  deepStrictEqual(said(buildKey, ""), passed("nothing of the build is left"));
  deepStrictEqual(
    said(buildKey, "/root/.ssh/authorized_keys\n/home/ann/.pim-build\n"),
    failed("left in /root/.ssh/authorized_keys, /home/ann/.pim-build"),
  );
  deepStrictEqual(said(packageLists, ""), passed("none"));
  deepStrictEqual(
    said(packageLists, "4\t/var/lib/apt/lists/a\n1020\t/var/lib/apt/lists/b c\n"),
    failed("2 files of 1024 KiB, such as /var/lib/apt/lists/b c"),
  );
  deepStrictEqual(said(logs, "8188\t/var/log/a\n4\t/var/log/b\n"), passed("8192 KiB"));
  deepStrictEqual(
    said(logs, "4\t/var/log/b\n8192\t/var/log/a\n"),
    failed("8196 KiB, more than 8192; the largest is /var/log/a"),
  );
});

Deno.test("an instance that its cloud has named cannot tell whether the image has the profile's host name", () => {
  const [, named] = profileChecks(profile, { namedForIt: true }) as [GuestCheck, GuestCheck];
  deepStrictEqual(said(named, "web\n"), passed("web"));
  deepStrictEqual(
    said(named, "ip-10-0-0-5\n"),
    skipped("a cloud names its instances itself, this one ip-10-0-0-5"),
  );
});

Deno.test("the user has to be there, able to log in, and to have the profile's keys under any comment", () => {
  const entry = "ann:x:1000:1000:Ann:/home/ann:/bin/bash";
  const key = "ssh-ed25519 AAAAC3Nza+1 another name";
  deepStrictEqual(said(user, `${entry}\n${key}\n`), passed("ann, with the profile's key"));
  deepStrictEqual(said(user, `${entry}\n`), failed("ann lacks the public key ann@example.org"));
  deepStrictEqual(said(user, `${entry}\nno home\n${key}\n`), failed("ann has no home folder"));
  deepStrictEqual(said(user, "missing\n"), failed("there is no user ann"));
  match(said(user, `${entry.replace("/bin/bash", "/usr/sbin/nologin")}\n`).detail, /cannot log in/);
});

Deno.test("the host name may have the profile's domain", () => {
  deepStrictEqual(said(hostName, "web\n"), passed("web"));
  deepStrictEqual(said(hostName, "web.example.org\n"), passed("web.example.org"));
  deepStrictEqual(said(hostName, "debian\n"), failed("it is debian, the profile says web"));
});

Deno.test("packages count under names that others provide, and as apt-get takes them", () => {
  const names = ["vim:amd64", "vim=2:9", "vim/stable", "g++", "libstdc++-dev", "vim+", "vim-", "server^"];
  deepStrictEqual(names.map(packageName), [
    ...["vim", "vim", "vim", "g++", "libstdc++-dev", "vim", undefined, undefined],
  ]);
  const listing = "mawk\tawk (= 1.3), x\ncurl\t\njq\t\nlibc6\t\ng++\tc++-compiler\n";
  deepStrictEqual(missingPackages(["awk", "curl", "x", "y"], listing), ["y"]);
  deepStrictEqual(said(packages, listing), failed("not installed: git"));
  deepStrictEqual(said(packages, `${listing}git\t\n`), passed("all 6 are installed"));
});

Deno.test("two machines of an image must not share a machine-id or a host key", () => {
  const machine = (id: string, ...keys: string[]) =>
    parseIdentity([`id ${id}`, ...keys.map((key) => `key ${key}`), ""].join("\n"));
  const [a, b] = ["a".repeat(32), "b".repeat(32)];
  const right = judgeIdentity(machine(a, "ssh-ed25519 AA", "ssh-rsa BB"), machine(b, "ssh-ed25519 CC"));
  deepStrictEqual([right.machineId.result, right.hostKeys.result], ["passed", "passed"]);
  const wrong = judgeIdentity(machine(a, "ssh-ed25519 AA", "ssh-rsa BB"), machine(a, "ssh-rsa BB"));
  match(wrong.machineId.detail, new RegExp(`have the same: ${a}`));
  match(wrong.hostKeys.detail, /have the same: ssh-rsa$/);
  const none = judgeIdentity(machine("uninitialized"), machine(b));
  deepStrictEqual([none.machineId.result, none.hostKeys], ["failed", skipped("there are none")]);
});

Deno.test("a verification is told by what failed, and what could not be made does not count as passed", () => {
  const check = (name: string, outcome: ReturnType<typeof passed>) => ({ name, elapsedMs: 1, ...outcome });
  const good = [check("a", passed("")), check("b", passed(""))];
  strictEqual(describeVerification({ checks: good }), "2 checks passed");
  const some = [...good, check("c", skipped("why"))];
  strictEqual(describeVerification({ checks: some }), "2 checks passed, 1 could not be made");
  strictEqual(
    describeVerification({ checks: [...some, check("d", failed("")), check("e", failed(""))] }),
    "2 of 5 checks failed: d, e",
  );
});
