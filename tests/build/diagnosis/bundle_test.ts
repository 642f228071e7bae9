import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { keepAnswers, openLog, reserveRoom, writeReason } from "../../../lib/build/diagnosis/bundle.ts";
import type { Evidence } from "../../../lib/build/diagnosis/evidence.ts";
import { DiagnosedError } from "../../../lib/build/diagnosis/reason.ts";
import { reasonOf } from "../../../lib/build/diagnosis/reason_of.ts";
import { redactAnswer } from "../../../lib/build/diagnosis/redact_answer.ts";
import { openSyslog } from "../../../lib/build/diagnosis/syslog.ts";
import type { WorkspaceFiles } from "../../../lib/build/workspace.ts";
import { exists } from "../../../lib/files.ts";
import { CancelledError, exitCode, PimError } from "../../../lib/errors.ts";
import { configureLog, hideSecret } from "../../../lib/log.ts";
import { MachineDiedError } from "../../../lib/qemu/machine.ts";
import { PowerOffError } from "../../../lib/build/steps/power_off.ts";
import { tempDir } from "../../base/temp.ts";
import { sendSyslog } from "./send_syslog.ts";

async function inFolder(test: (dir: string) => Promise<void>): Promise<void> {
  await using temp = await tempDir();
  const dir = temp.path;
  await test(dir);
}

/** Those files of a build's folder that are written here. */
function filesIn(dir: string): WorkspaceFiles {
  return { reason: join(dir, "reason.json"), reserve: join(dir, "reserve") } as WorkspaceFiles;
}

const evidence: Evidence = {
  phase: "script",
  elapsedMs: 10,
  quietMs: 5,
  deadlineMs: 100,
  serial: { seen: true, last: ['it said "s3cret\\word"'] },
  clues: [],
  qemu: {},
  writtenBytes: 4096,
  agent: { answers: false, addresses: [] },
  script: { name: "web", last: ["waiting"] },
};

Deno.test("reason.json tells the code, the step and the evidence, and no secret however it is quoted", async () => {
  await inFolder(async (dir) => {
    hideSecret('s3cret\\word"');
    const reason = {
      code: "script-hung",
      summary: "The script web hangs",
      hint: "Look",
      exitCode: exitCode.provisioning,
      final: false,
    } as const;
    const files = filesIn(dir);
    const path = files.reason;
    await reserveRoom(files);
    ok((await Deno.stat(files.reserve)).size > 0);
    const failed = { build: "web-amd64-1", profile: "web", step: "script web", elapsedMs: 1234 };
    await writeReason(files, failed, new DiagnosedError(reason, evidence));
    ok(!(await exists(files.reserve)), "what was set aside is free");
    const text = await Deno.readTextFile(path);
    ok(!text.includes("s3cret"), text);
    const { time, notes, evidence: told, ...rest } = JSON.parse(text);
    deepEqual(rest, {
      version: 1,
      code: "script-hung",
      summary: "The script web hangs",
      hint: "Look",
      ...failed,
      exitCode: 7,
    });
    ok(Date.parse(time) > 0);
    equal(notes[0].code, "agent-absent");
    equal(told.serial.last[0], 'it said "***');
    equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  });
});

Deno.test("errors that were not diagnosed have reasons too", () => {
  const end = (code: number) => ({ code, signal: null, stderr: "" });
  const code = (error: unknown) => reasonOf(error).code;
  equal(code(new CancelledError()), "cancelled");
  equal(code(new MachineDiedError("web", end(1), [])), "qemu-died");
  equal(code(new MachineDiedError("web", end(0), [])), "guest-powered-off");
  equal(code(new MachineDiedError("web", { ...end(0), signal: "a signal" }, [])), "qemu-died");
  equal(code(new PowerOffError("The guest did not power off")), "power-off-refused");
  equal(code(new PimError("bad", { exitCode: exitCode.verification })), "verification-failed");
  equal(code(new PimError("x: No space left on device (os error 28)")), "disk-full");
  equal(
    code(new PimError("cannot", { cause: new Error("No space left on device (os error 28)") })),
    "disk-full",
  );
  equal(code(new TypeError("a mistake")), "failed");
  deepEqual(reasonOf(new PimError("first\nsecond", { hint: "do", exitCode: 6 })), {
    code: "failed",
    summary: "first",
    hint: "do",
    exitCode: 6,
    final: true,
  });
});

Deno.test("answers are kept without passwords, hashes and keys, and readable otherwise", async () => {
  await inFolder(async (dir) => {
    const preseed = [
      "d-i passwd/user-password-crypted password $6$salt$aVeryLongHash/.",
      "d-i passwd/root-password password Plain words",
      "d-i passwd/username string ann",
      "d-i partman-crypto/passphrase password tree house",
      "d-i passwd/user-password-again password",
      "",
    ].join("\n");
    const userData = [
      "#cloud-config",
      '    password: "$6$rounds=5000$salt$hash"',
      "    authorized-keys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDh ann@example.org]",
      '  storage: {"layout":{"name":"lvm","password":"tree house"}}',
      "  realname: Ann",
      "",
    ].join("\n");
    const folder = join(dir, "answers");
    const file = (body: string) => ({ contentType: "text/plain", body });
    await keepAnswers(folder, new Map([["/preseed.cfg", file(preseed)], ["/user-data", file(userData)]]));
    equal(
      await Deno.readTextFile(join(folder, "preseed.cfg")),
      [
        "d-i passwd/user-password-crypted password ***",
        "d-i passwd/root-password password ***",
        "d-i passwd/username string ann",
        "d-i partman-crypto/passphrase password ***",
        "d-i passwd/user-password-again password",
        "",
      ].join("\n"),
    );
    const kept = await Deno.readTextFile(join(folder, "user-data"));
    for (const secret of ["salt", "hash", "AAAAC3", "tree house"]) ok(!kept.includes(secret), kept);
    match(kept, /ssh-ed25519 \*\*\* ann@example\.org/);
    match(kept, /^ {2}realname: Ann$/m);
    equal((await Deno.stat(join(folder, "preseed.cfg"))).mode! & 0o777, 0o600);
  });
});

Deno.test("scripts in answer files stay what they are, but for what is secret", () => {
  const script = [
    "usermod --password '$y$j9T$salt$hash' \"$user\"",
    "add_key 'ssh-rsa AAAAB3NzaC1yc2E= ann'",
    "# Without a password of its own the account could never answer sudo",
    'if [ -n "$password" ]; then echo "$1$2" "${3}"; fi',
    "-----BEGIN OPENSSH PRIVATE KEY-----",
    "b3BlbnNzaA==",
    "-----END OPENSSH PRIVATE KEY-----",
  ].join("\n");
  equal(
    redactAnswer(script),
    [
      "usermod --password '***' \"$user\"",
      "add_key 'ssh-rsa *** ann'",
      "# Without a password of its own the account could never answer sudo",
      'if [ -n "$password" ]; then echo "$1$2" "${3}"; fi',
      "-----BEGIN OPENSSH PRIVATE KEY-----",
      "***",
      "-----END OPENSSH PRIVATE KEY-----",
    ].join("\n"),
  );
});

Deno.test("a log has its lines with their time, and none after its end", async () => {
  await inFolder(async (dir) => {
    const path = join(dir, "seed.log");
    const log = openLog(path);
    log("GET /preseed.cfg 200");
    log[Symbol.dispose]();
    log("too late");
    match(await Deno.readTextFile(path), /^\d{4}-\d\d-\d\dT\S+Z GET \/preseed\.cfg 200\n$/);
  });
});

Deno.test({
  name: "a log on a full disk is told of once and ends, and whoever writes to it goes on",
  // Elsewhere there is no device that is always full.
  ignore: Deno.build.os !== "linux",
  async fn() {
    const warnings: string[] = [];
    configureLog({ write: (line) => void warnings.push(line) });
    const heard = Promise.withResolvers<string>();
    using log = openLog("/dev/full");
    await using syslog = await openSyslog(log);
    syslog.onLine((line) => line === "last" && heard.resolve(line));
    await sendSyslog(syslog.port, "first", "last");
    equal(await heard.promise, "last");
    equal(warnings.length, 1);
    match(warnings[0] ?? "", /\/dev\/full can no longer be written: No space left on device/);
  },
});
